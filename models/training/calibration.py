"""Fits the temperature of the probabilities, and the score from which on a prediction is accepted.

Both are fitted on the validation split, whose writers the network has not seen. NumPy only.
"""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

TEMPERATURES = np.geomspace(0.25, 4, 401)
TARGET_ACCURACY = 0.999  # of the accepted predictions
ECE_BINS = 15  # as in Guo et al. 2017
MIN_THRESHOLD = 0.5  # below it a prediction is a guess, whatever the accuracy on the validation split


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Returns the T that minimises the negative log-likelihood of softmax(logits / T) (Guo et al. 2017)."""
    losses = [negative_log_likelihood(logits / temperature, labels) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


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
