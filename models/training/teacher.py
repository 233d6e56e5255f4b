"""Knowledge distillation (Hinton et al. 2015): the digit network learns the probabilities of a larger one, the teacher.

A label says 4; the teacher says how likely a 9 is beside it, and gives a wrong label a low probability. The teacher is
used in training only.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.training.digit_network import PIXEL_MEAN, PIXEL_STD

TEACHER_FILE = Path(__file__).parents[1] / "pretrained" / "teacher.safetensors"
TEACHER_DATASET = "mnist"  # that the teacher was trained on
TEMPERATURE = 4.0  # divides the logits of both networks, so that small probabilities count
CHANNELS = (32, 64, 128)


class TeacherNetwork(nn.Module):
    """28x28 grey pictures, bright ink on dark, to log-probabilities of the ten digits; 144,298 parameters."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = CHANNELS
        self.body = nn.Sequential(
            *_convolve(1, first), *_convolve(first, first), nn.MaxPool2d(2),
            *_convolve(first, second), *_convolve(second, second), nn.MaxPool2d(2),
            *_convolve(second, third), nn.Dropout(0.1),
        )  # fmt: skip
        self.linear = nn.Linear(third * 2 * 2, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        """Log-probabilities (batch, 10) of float pixels (batch, 1, 28, 28) in 0..1."""
        features = self.body((pixels - PIXEL_MEAN) / PIXEL_STD)
        return nn.functional.log_softmax(self.linear(features.flatten(1)).float(), dim=1)


def _convolve(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def load_teacher() -> TeacherNetwork:
    """Returns the teacher that ships."""
    teacher = TeacherNetwork()
    teacher.load_state_dict(load_file(TEACHER_FILE))
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return teacher.eval()


def distillation_loss(teacher: TeacherNetwork, pixels: Tensor, log_probabilities: Tensor) -> Tensor:
    """Returns the divergence of log-probabilities (batch, 10) from the teacher's for the pixels (batch, 1, 28, 28).

    It is the Kullback-Leibler divergence at TEMPERATURE, times TEMPERATURE squared, which makes its gradient as large
    as that of the labels' loss. A scalar.
    """
    with torch.no_grad():
        target = (teacher(pixels) / TEMPERATURE).log_softmax(dim=1)
    given = (log_probabilities / TEMPERATURE).log_softmax(dim=1)
    divergence = nn.functional.kl_div(given, target, log_target=True, reduction="batchmean")
    return divergence * TEMPERATURE**2
