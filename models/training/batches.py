"""What one step of a training learns from: training pictures, synthetic digits and outliers, augmented."""

from functools import cache

import torch
from torch import Tensor

from models.recipes import Recipe
from models.training.augmentation import augment
from models.training.data import Split
from models.training.outliers import draw_outliers
from models.training.synthetic_digits import PICTURES_PER_DIGIT, draw_digits


def prepare_batch(split: Split, indices: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Returns pixels, float32 (labels + outliers, 1, 28, 28) in 0..1, and the labels (labels,) of the first of them.

    The labelled pictures are those of `split` at `indices`, then synthetic digits. The outliers have no label.
    Random numbers come from torch's global generator on the device of `split`.
    """
    images, labels = split.images[indices], split.labels[indices]
    if recipe.synthetic_per_128:
        synthetic, digits = _choose_synthetic_digits(recipe.synthetic_per_128 * len(indices) // 128, images.device)
        images, labels = torch.cat([images, synthetic]), torch.cat([labels, digits])
    pixels = images.float().div_(255)
    if recipe.is_augmented:
        pixels = augment(pixels, recipe)
    outliers = draw_outliers(pixels, -(-recipe.outliers_per_128 * len(indices) // 128))  # rounded up
    return torch.cat([pixels, outliers]), labels


def _choose_synthetic_digits(count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    images, labels = _synthetic_digits_on(device)
    chosen = torch.randint(len(labels), (count,), device=device)
    return images[chosen], labels[chosen]


@cache
def _synthetic_digits_on(device: torch.device) -> tuple[Tensor, Tensor]:
    images, labels = draw_digits(PICTURES_PER_DIGIT)
    return images.to(device), labels.to(device)
