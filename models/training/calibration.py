"""Probabilities that mean what they say, and the margin from which on a prediction is accepted.

Both are fitted on the validation split, whose writers the network has not seen. NumPy only.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TEMPERATURES = np.geomspace(0.25, 4, 401)
TRUSTED = 0.999  # the accuracy that accepted answers are to have
LOWEST = 0.5  # below it the answer is a guess, however well it went on the validation split


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature T for which softmax(logits / T) has the least negative log-likelihood (Guo et al. 2017)."""
    losses = [negative_log_likelihood(logits / temperature, labels) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def negative_log_likelihood(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The mean over logits (count, 10), in nats."""
    highest = logits.max(axis=1, keepdims=True)
    totals = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
    return float((totals - logits[np.arange(len(labels)), labels]).mean())


def least_trusted(scores: Floats, is_right: NDArray[np.bool_]) -> float:
    """The lowest margin (acceptance.py), or confidence, from which on 99.9 % of the answers are right."""
    order = np.argsort(-scores, kind="stable")
    errors = np.cumsum(~is_right[order])
    trusted = np.flatnonzero(errors <= (1 - TRUSTED) * np.arange(1, len(order) + 1))
    return max(LOWEST, float(scores[order[trusted[-1]]])) if len(trusted) else 1.0


def coverage(is_accepted: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> dict[str, float | int]:
    """How many answers are accepted, and how many of them are right."""
    accepted = int(is_accepted.sum())
    return {
        "total": len(is_accepted),
        "accepted": accepted,
        "right": int((is_accepted & is_right).sum()),
        "coverage": float(is_accepted.mean()),
        "accuracy": float(is_right[is_accepted].mean()) if accepted else 1.0,
    }
