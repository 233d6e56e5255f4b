"""How well a network reads a split: its figures, and how far off they may be."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from models.training.data import Split

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Evaluation:
    """A network's figures on one split; `confusion[i][j]` counts the i that were read as j."""

    accuracy: float
    correct: int
    total: int
    loss: float
    interval_95: tuple[float, float]
    confusion: list[list[int]]


@torch.inference_mode()
def evaluate(network: nn.Module, split: Split) -> Evaluation:
    """The network's figures on `split`, which lies on the network's device."""
    network.eval()
    scores = torch.cat([network(part.float() / 255) for part in split.images.split(EVALUATION_BATCH)])
    loss = float(nn.functional.nll_loss(scores, split.labels))
    cells = (split.labels * 10 + scores.argmax(dim=1)).bincount(minlength=100).reshape(10, 10)
    correct, total = int(cells.trace()), len(split)
    return Evaluation(correct / total, correct, total, loss, wilson_interval(correct, total), cells.tolist())


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), within 0..1."""
    z = 1.959964
    share, spread = correct / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return centre - half, centre + half
