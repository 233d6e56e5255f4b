"""Evaluates a network on a split: accuracy with its confidence interval, loss, confusion matrix, figures per digit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import nn

from models.training.data import Split

EVALUATION_BATCH_SIZE = 500
HARDEST = 25  # pictures
# Pictures of MNIST's test set whose label most of the people who were asked rejected.
DISPUTED_TEST_PICTURES = (
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
)  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """A network's figures on one split. `loss` is the mean NLL in nats; `confusion[i][j]` counts the i read as j."""

    accuracy: float
    correct: int
    total: int
    loss: float
    interval_95: tuple[float, float]
    confusion: list[list[int]]


@torch.inference_mode()
def evaluate(network: nn.Module, split: Split) -> Evaluation:
    """Returns the network's figures on `split`, whose tensors are on the network's device."""
    network.eval()
    scores = torch.cat([network(part.float() / 255) for part in split.images.split(EVALUATION_BATCH_SIZE)])
    loss = float(nn.functional.nll_loss(scores, split.labels))
    cells = (split.labels * 10 + scores.argmax(dim=1)).bincount(minlength=100).reshape(10, 10)
    correct, total = int(cells.trace()), len(split)
    return Evaluation(correct / total, correct, total, loss, wilson_interval(correct, total), cells.tolist())


def measure_digits(confusion: list[list[int]]) -> list[dict[str, float | int]]:
    """Returns precision, recall and F1 of each digit; 0 where no picture was read as it, or is of it."""
    cells = np.array(confusion)
    return [
        {
            "digit": digit,
            "total": int(cells[digit].sum()),
            "precision": _ratio(cells[digit, digit], cells[:, digit].sum()),
            "recall": _ratio(cells[digit, digit], cells[digit].sum()),
            "f1": _ratio(2 * cells[digit, digit], cells[digit].sum() + cells[:, digit].sum()),
        }
        for digit in range(len(cells))
    ]


def measure_undisputed(is_right: NDArray[np.bool_]) -> dict[str, Any]:
    """Returns the accuracy on MNIST's test pictures without the disputed ones."""
    kept = np.delete(is_right, DISPUTED_TEST_PICTURES)
    correct, total = int(kept.sum()), len(kept)
    return {
        "accuracy": correct / total,
        "correct": correct,
        "total": total,
        "interval_95": wilson_interval(correct, total),
    }


def find_hardest(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Returns the pictures whose label got the lowest probability, the lowest first."""
    of_label = probabilities[np.arange(len(labels)), labels]
    return [
        {
            "index": int(index),
            "label": int(labels[index]),
            "digit": int(probabilities[index].argmax()),
            "probabilities": [round(float(value), 6) for value in probabilities[index]],
        }
        for index in np.argsort(of_label, kind="stable")[:HARDEST]
    ]


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Returns the 95 % confidence interval of an accuracy (Wilson 1927), within 0..1."""
    low, high = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    return float(low), float(high)
