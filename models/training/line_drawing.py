"""Lines of digits to learn from: single ones side by side, apart, touching and overlapping."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.pictures.line_format import HEIGHT
from models.recipes import RECIPES
from models.training.augmentation import augment
from models.training.data import Split

Floats = NDArray[np.float32]
Texts = list[list[int]]

WIDTH = 144
ROOM = 122  # columns that are written on: enlarged they still fit
MOST_DIGITS = 7
# Pixels between neighbours' ink, least and most, and on which share of the lines.
GAPS = (((1, 9), 0.35), ((-3, 1), 0.5), ((-5, -1), 0.15))
INKED = 0.15
HOP = 2  # pixels that a digit stands higher or lower than the one before, at most
# A line's bounds: of its scale and of height against width (logarithms), and of a shear. What touches stands on a page
# as one piece, taller than its digits, so lines come out smaller rather than larger.
SMALLER, LARGER, STRETCHED, SLANTED = -0.3, 0.12, 0.08, 0.15
BRIGHTER = 0.5  # on a page, ink is made as bright as its stronger quarter
PEN = replace(RECIPES["robust"], shift=0.0)  # how each digit is redrawn


def draw_strips(digits: Split, count: int, random: np.random.Generator, *, plain: bool = False) -> tuple[Tensor, Texts]:
    """`count` lines, float32 (count, 1, 32, 144) in 0..1, and what stands in them.

    `plain` ones are of digits as they are. The other random numbers are torch's.
    """
    chosen = torch.from_numpy(random.integers(0, len(digits), count * MOST_DIGITS))
    pictures, labels = digits.images[chosen].float() / 255, digits.labels[chosen].numpy()
    pixels = (pictures if plain else augment(pictures, PEN))[:, 0].numpy()
    inked = pixels.max(axis=1) > INKED
    left, right = inked.argmax(axis=1), pixels.shape[2] - inked[:, ::-1].argmax(axis=1)
    cut = [pixels[index, :, left[index] : right[index]] for index in range(len(pixels))]
    strips, texts = np.zeros((count, HEIGHT, WIDTH), np.float32), []
    for number, strip in enumerate(strips):
        own = slice(number * MOST_DIGITS, number * MOST_DIGITS + int(random.integers(1, MOST_DIGITS + 1)))
        texts.append(labels[own][: _write(strip, cut[own], random)].tolist())
    lines = torch.from_numpy(strips)[:, None]
    return (lines if plain else _stretch(lines)), texts


def _write(strip: Floats, digits: list[Floats], random: np.random.Generator) -> int:
    """Put the digits on the strip, as far as there is room; how many there was room for."""
    least, most = GAPS[int(random.choice(len(GAPS), p=[share for _, share in GAPS]))][0]
    middle = (HEIGHT - digits[0].shape[0]) // 2
    level = middle + int(random.integers(-HOP, HOP + 1))
    x = int(random.integers(4, 12))
    for number, digit in enumerate(digits):
        x = max(0, x + (int(random.integers(least, most + 1)) if number else 0))
        if x + digit.shape[1] > ROOM:
            return number
        y = int(np.clip(level + random.integers(-HOP, HOP + 1), 0, 2 * middle))
        place = strip[y : y + digit.shape[0], x : x + digit.shape[1]]
        np.maximum(place, digit, out=place)
        x += digit.shape[1]
    return len(digits)


def _stretch(strips: Tensor) -> Tensor:
    """Each line larger or smaller from its left edge on, slanted, and brighter."""
    amounts = torch.rand(4, len(strips))
    scale = torch.exp(SMALLER + (LARGER - SMALLER) * amounts[0])
    maps = torch.zeros(len(strips), 2, 3)
    maps[:, 0, 0] = 1 / scale
    maps[:, 0, 1] = (2 * amounts[1] - 1) * SLANTED * HEIGHT / WIDTH
    maps[:, 0, 2] = 1 / scale - 1
    maps[:, 1, 1] = 1 / (scale * torch.exp((2 * amounts[2] - 1) * STRETCHED))
    grid = nn.functional.affine_grid(maps, list(strips.shape), align_corners=False)
    moved = nn.functional.grid_sample(strips, grid, align_corners=False)
    return (moved * (1 + BRIGHTER * amounts[3])[:, None, None, None]).clamp(max=1)
