"""Evaluates a network on a split: accuracy with its confidence interval, loss, confusion matrix."""

from dataclasses import dataclass

import torch
from scipy.stats import binomtest
from torch import nn

from models.training.data import Split

EVALUATION_BATCH_SIZE = 500


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


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Returns the 95 % confidence interval of an accuracy (Wilson 1927), within 0..1."""
    low, high = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    return float(low), float(high)
