"""What a step of a training minimises: the labels' loss, the teacher's, and that of the outliers."""

import torch
from torch import Tensor, nn

from models.training.teacher import TeacherNetwork, distillation_loss

OUTLIER_WEIGHT = 0.1


def compute_loss(
    network: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    *,
    teacher: TeacherNetwork | None,
    distillation_weight: float,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Returns the loss to minimise and the mean negative log-likelihood of the labels, in nats.

    Pixels (labels + outliers, 1, 28, 28) and labels (labels,) are those of `prepare_batch`.
    """
    log_probabilities = network(pixels.contiguous(memory_format=torch.channels_last))
    of_digits, of_outliers = log_probabilities.tensor_split([len(labels)])
    loss = label_loss = nn.functional.nll_loss(of_digits, labels)
    if label_smoothing:
        loss = torch.lerp(loss, -of_digits.mean(), label_smoothing)
    if teacher is not None:
        loss = torch.lerp(loss, distillation_loss(teacher, pixels[: len(labels)], of_digits), distillation_weight)
    if len(of_outliers):  # their target is the same probability for all ten digits
        loss = loss - OUTLIER_WEIGHT * of_outliers.mean()
    return loss, label_loss
