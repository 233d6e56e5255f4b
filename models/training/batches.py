"""What one step of a training learns from: training pictures, synthetic digits and outliers, augmented."""

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
    Random numbers come from torch's global generator.
    """
    images, labels = split.images[indices], split.labels[indices]
    if recipe.synthetic_per_128:
        synthetic, digits = _choose_synthetic_digits(recipe.synthetic_per_128 * len(indices) // 128)
        images = torch.cat([images, synthetic.to(images.device)])
        labels = torch.cat([labels, digits.to(labels.device)])
    pixels = images.float().div_(255)
    if recipe.is_augmented:
        pixels = augment(pixels, recipe)
    outliers = draw_outliers(pixels, -(-recipe.outliers_per_128 * len(indices) // 128))  # rounded up
    return torch.cat([pixels, outliers]), labels


def _choose_synthetic_digits(count: int) -> tuple[Tensor, Tensor]:
    images, labels = draw_digits(PICTURES_PER_DIGIT)
    chosen = torch.randint(len(labels), (count,))
    return images[chosen], labels[chosen]
