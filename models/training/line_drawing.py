"""Draws line images to train on: single digits side by side, with gaps, touching and overlapping."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from models.arrays import Floats
from models.pictures.line_format import HEIGHT
from models.recipes import RECIPES
from models.training.augmentation import augment
from models.training.data import Split

Texts = list[list[int]]

WIDTH = 144
MAX_INK_WIDTH = 122  # pixels that digits are drawn on: scaled up, they still fit
MAX_DIGITS = 7
# Pixels between the ink of neighbours (lowest, highest), and the share of the lines that has such gaps.
GAPS = (((1, 9), 0.3), ((-3, 1), 0.45), ((-5, -1), 0.25))
INK_THRESHOLD = 0.15
MAX_BASELINE_STEP = 2  # pixels that a line, and each digit in it, is moved up or down
# Bounds of the random map of a line: logarithms of its scale and of its height against its width, and its shear. On a
# page, touching digits are one component, which is taller than each of them; so lines are scaled down more than up.
MIN_LOG_SCALE, MAX_LOG_SCALE, MAX_LOG_STRETCH, MAX_SLANT = -0.3, 0.12, 0.08, 0.15
MAX_BRIGHTENING = 0.5  # on a page, the 75th percentile of the ink becomes white
DIGIT_AUGMENTATION = replace(RECIPES["robust"], shift=0.0)


def draw_line_images(
    digits: Split, count: int, random: np.random.Generator, *, is_augmented: bool = True
) -> tuple[Tensor, Texts]:
    """Returns `count` line images, float32 (count, 1, 32, 144) in 0..1, and the digits in each.

    `random` chooses and places the digits. The random numbers of the augmentation are those of torch.
    """
    chosen = torch.from_numpy(random.integers(0, len(digits), count * MAX_DIGITS))
    pictures, labels = digits.images[chosen].float() / 255, digits.labels[chosen].numpy()
    pixels = (augment(pictures, DIGIT_AUGMENTATION) if is_augmented else pictures)[:, 0].numpy()
    has_ink = pixels.max(axis=1) > INK_THRESHOLD
    left, right = has_ink.argmax(axis=1), pixels.shape[2] - has_ink[:, ::-1].argmax(axis=1)
    cropped = [pixels[index, :, left[index] : right[index]] for index in range(len(pixels))]
    images, texts = np.zeros((count, HEIGHT, WIDTH), np.float32), []
    for number, image in enumerate(images):
        own = slice(number * MAX_DIGITS, number * MAX_DIGITS + int(random.integers(1, MAX_DIGITS + 1)))
        texts.append(labels[own][: _place(image, cropped[own], random)].tolist())
    lines = torch.from_numpy(images)[:, None]
    return (_transform(lines) if is_augmented else lines), texts


def _place(image: Floats, digits: list[Floats], random: np.random.Generator) -> int:
    """Draw digits into the line image until one does not fit. Returns how many were drawn."""
    lowest, highest = GAPS[int(random.choice(len(GAPS), p=[share for _, share in GAPS]))][0]
    middle = (HEIGHT - digits[0].shape[0]) // 2
    baseline = middle + int(random.integers(-MAX_BASELINE_STEP, MAX_BASELINE_STEP + 1))
    x = int(random.integers(4, 12))
    for number, digit in enumerate(digits):
        x = max(0, x + (int(random.integers(lowest, highest + 1)) if number else 0))
        if x + digit.shape[1] > MAX_INK_WIDTH:
            return number
        y = int(np.clip(baseline + random.integers(-MAX_BASELINE_STEP, MAX_BASELINE_STEP + 1), 0, 2 * middle))
        region = image[y : y + digit.shape[0], x : x + digit.shape[1]]
        np.maximum(region, digit, out=region)
        x += digit.shape[1]
    return len(digits)


def _transform(lines: Tensor) -> Tensor:
    """Scale each line from its left edge, stretch, slant and brighten it."""
    amounts = torch.rand(4, len(lines))
    scale = torch.exp(MIN_LOG_SCALE + (MAX_LOG_SCALE - MIN_LOG_SCALE) * amounts[0])
    maps = torch.zeros(len(lines), 2, 3)
    maps[:, 0, 0] = 1 / scale
    maps[:, 0, 1] = (2 * amounts[1] - 1) * MAX_SLANT * HEIGHT / WIDTH
    maps[:, 0, 2] = 1 / scale - 1
    maps[:, 1, 1] = 1 / (scale * torch.exp((2 * amounts[2] - 1) * MAX_LOG_STRETCH))
    grid = nn.functional.affine_grid(maps, list(lines.shape), align_corners=False)
    moved = nn.functional.grid_sample(lines, grid, align_corners=False)
    return (moved * (1 + MAX_BRIGHTENING * amounts[3])[:, None, None, None]).clamp(max=1)
