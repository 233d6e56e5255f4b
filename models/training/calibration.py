"""Fits the temperature of the probabilities, and the score from which on a prediction is accepted.

Both are fitted on the validation split, whose writers the network has not seen. NumPy only.
"""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

TEMPERATURES = np.geomspace(0.25, 4, 401)
LOG_TEMPERATURE_SPREAD = np.log(2)  # the standard deviation of the prior
TARGET_ACCURACY = 0.999  # of the accepted predictions
ECE_BINS = 15  # as in Guo et al. 2017
MIN_THRESHOLD = 0.5  # below it a prediction is a guess, whatever the accuracy on the validation split


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Returns the T of greatest posterior probability for softmax(logits / T) (temperature scaling, Guo et al. 2017).

    The prior of log T is normal, around 0: T is most likely between a half and two. On the 5,030 validation pictures of
    MNIST it changes nothing. On ten that are all read right, the likelihood alone would make T as small as it can be,
    and every confidence 1.
    """
    losses = [len(labels) * negative_log_likelihood(logits / temperature, labels) for temperature in TEMPERATURES]
    prior = np.log(TEMPERATURES) ** 2 / (2 * LOG_TEMPERATURE_SPREAD**2)
    return float(TEMPERATURES[int(np.argmin(losses + prior))])


def negative_log_likelihood(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Returns the mean over logits (count, 10), in nats."""
    highest = logits.max(axis=1, keepdims=True)
    totals = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
    return float((totals - logits[np.arange(len(labels)), labels]).mean())


def expected_calibration_error(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Returns the ECE of probabilities (count, 10): the mean of |accuracy - confidence| over bins of equal width."""
    confidence, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    gaps = np.bincount(bins, weights=is_right - confidence.astype(np.float64), minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def fit_threshold(scores: Floats, is_right: NDArray[np.bool_]) -> float:
    """Returns the lowest score (margin or confidence) from which on 99.9 % of the predictions are right."""
    order = np.argsort(-scores, kind="stable")
    errors = np.cumsum(~is_right[order])
    accurate = np.flatnonzero(errors <= (1 - TARGET_ACCURACY) * np.arange(1, len(order) + 1))
    return max(MIN_THRESHOLD, float(scores[order[accurate[-1]]])) if len(accurate) else 1.0


def measure_coverage(is_accepted: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> dict[str, float | int]:
    """Returns how many predictions are accepted, and how many of those are right."""
    accepted = int(is_accepted.sum())
    return {
        "total": len(is_accepted),
        "accepted": accepted,
        "right": int((is_accepted & is_right).sum()),
        "coverage": float(is_accepted.mean()),
        "accuracy": float(is_right[is_accepted].mean()) if accepted else 1.0,
    }
