"""Synthetic digits in shapes that are rare in MNIST, whose writers are American.

Elsewhere a 1 often has a long flag, a 7 a bar and a 4 an open top; a network trained on MNIST alone takes such a 1 for
a 7. Each picture is one of the outlines below, randomly bent, slanted and stretched, drawn with a random pen width.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

Stroke = list[tuple[float, float]]  # points (x, y) in the unit square, y down; a curve goes through all of them

OUTLINES: dict[int, list[list[Stroke]]] = {
    0: [[[(0.5, 0), (0.1, 0.3), (0.12, 0.75), (0.5, 1), (0.9, 0.7), (0.88, 0.25), (0.5, 0), (0.35, 0.08)]]],
    1: [
        [[(0.2, 0.4), (0.85, 0)], [(0.85, 0), (0.85, 1)]],
        [[(0.0, 0.5), (0.5, 0.25), (0.85, 0)], [(0.85, 0), (0.8, 1)]],
        [[(0.3, 0.2), (0.6, 0)], [(0.6, 0), (0.58, 1)]],
        [[(0.1, 0.3), (0.55, 0)], [(0.55, 0), (0.55, 1)], [(0.1, 1), (0.95, 1)]],
        [[(0.1, 0.35), (0.4, 0.03), (0.75, 0.08), (0.8, 0.4), (0.8, 1)]],
        [[(0.5, 0), (0.5, 1)]],
    ],
    2: [
        [[(0.1, 0.25), (0.4, 0), (0.8, 0.15), (0.7, 0.5), (0.05, 1)], [(0.05, 1), (0.95, 0.98)]],
        [[(0.1, 0.2), (0.5, 0), (0.85, 0.25), (0.5, 0.7), (0.1, 0.95), (0.2, 0.8), (0.5, 0.92), (0.95, 0.95)]],
    ],
    3: [
        [[(0.1, 0.12), (0.5, 0), (0.85, 0.2), (0.4, 0.45)], [(0.4, 0.45), (0.9, 0.65), (0.6, 0.98), (0.05, 0.88)]],
        [[(0.1, 0), (0.85, 0)], [(0.85, 0), (0.4, 0.4)], [(0.4, 0.4), (0.88, 0.6), (0.7, 0.95), (0.05, 0.92)]],
    ],
    4: [
        [[(0.35, 0), (0.05, 0.6)], [(0.05, 0.6), (0.95, 0.58)], [(0.7, 0.25), (0.65, 1)]],
        [[(0.7, 0), (0.05, 0.65)], [(0.05, 0.65), (0.95, 0.65)], [(0.7, 0), (0.7, 1)]],
        [[(0.1, 0), (0.08, 0.5)], [(0.08, 0.5), (0.8, 0.5)], [(0.8, 0), (0.8, 1)]],
    ],
    5: [
        [[(0.9, 0), (0.2, 0.02)], [(0.2, 0.02), (0.15, 0.42)],
         [(0.15, 0.42), (0.6, 0.36), (0.9, 0.65), (0.6, 0.97), (0.05, 0.9)]],
        [[(0.2, 0.05), (0.15, 0.45)], [(0.15, 0.45), (0.7, 0.42), (0.85, 0.75), (0.45, 1), (0.02, 0.92)],
         [(0.22, 0.02), (0.95, 0)]],
    ],
    6: [
        [[(0.75, 0), (0.3, 0.3), (0.1, 0.7), (0.4, 1), (0.85, 0.78), (0.6, 0.52), (0.12, 0.7)]],
        [[(0.4, 0), (0.12, 0.5), (0.2, 0.95), (0.7, 0.95), (0.8, 0.65), (0.4, 0.55), (0.12, 0.7)]],
    ],
    7: [
        [[(0.05, 0.02), (0.9, 0)], [(0.9, 0), (0.4, 1)]],
        [[(0.05, 0.02), (0.9, 0)], [(0.9, 0), (0.45, 1)], [(0.3, 0.5), (0.9, 0.48)]],
        [[(0.05, 0.18), (0.08, 0.02)], [(0.08, 0.02), (0.9, 0.02)], [(0.9, 0.02), (0.5, 0.5), (0.4, 1)]],
        [[(0.05, 0), (0.85, 0.02)], [(0.85, 0.02), (0.7, 1)], [(0.4, 0.5), (1, 0.5)]],
    ],
    8: [
        [[(0.8, 0.12), (0.4, 0), (0.15, 0.22), (0.5, 0.45), (0.88, 0.75), (0.5, 1), (0.1, 0.75), (0.5, 0.45),
          (0.85, 0.2), (0.7, 0.05)]],
        [[(0.5, 0.45), (0.2, 0.2), (0.5, 0), (0.8, 0.2), (0.5, 0.45), (0.1, 0.75), (0.5, 1), (0.9, 0.75), (0.5, 0.45)]],
    ],
    9: [
        [[(0.85, 0.2), (0.5, 0), (0.12, 0.25), (0.4, 0.5), (0.85, 0.22)], [(0.85, 0.1), (0.82, 0.6), (0.65, 1)]],
        [[(0.85, 0.2), (0.4, 0), (0.1, 0.3), (0.45, 0.5), (0.85, 0.22)],
         [(0.85, 0.1), (0.85, 0.75), (0.5, 1), (0.1, 0.88)]],
    ],
}  # fmt: skip
OVERSIZE = 4  # factor at which a digit is drawn before it is averaged down to 28x28
PICTURES_PER_DIGIT = 300  # pictures of each digit in a training; augmentation varies them


@cache
def draw_digits(each: int) -> tuple[Tensor, Tensor]:
    """Returns `each` pictures of every digit, uint8 (10 * each, 1, 28, 28), always the same, and their labels."""
    random = np.random.default_rng(0)
    pictures = [
        _draw(OUTLINES[digit][number % len(OUTLINES[digit])], random) for digit in range(10) for number in range(each)
    ]
    return torch.from_numpy(np.stack(pictures)[:, None]), torch.arange(10).repeat_interleave(each)


def _draw(strokes: list[Stroke], random: np.random.Generator) -> NDArray[np.uint8]:
    """Returns a picture (28, 28) of an outline: its longer side 20 pixels, the mean of its points in the middle."""
    slant, width = random.uniform(-0.25, 0.25), random.uniform(0.45, 0.95)
    pen = random.uniform(1.8, 4.2) * OVERSIZE
    bend = random.uniform(0.0, 0.06)
    moved = [np.array(stroke) + random.normal(0, bend, (len(stroke), 2)) for stroke in strokes]
    curves = [_curve(points @ np.array([[width, 0], [-slant, 1]])) for points in moved]
    points = np.concatenate(curves)
    low, scale = points.min(axis=0), (20 * OVERSIZE - pen) / np.ptp(points, axis=0).max()
    placed = [(curve - low) * scale for curve in curves]
    middle = np.concatenate(placed).mean(axis=0)
    canvas = Image.new("L", (28 * OVERSIZE, 28 * OVERSIZE))
    for curve in placed:
        line = [(float(x), float(y)) for x, y in curve - middle + 14 * OVERSIZE]
        pencil = ImageDraw.Draw(canvas)
        pencil.line(line, 255, round(pen), joint="curve")
        for x, y in (line[0], line[-1]):  # round ends
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 255)
    return np.asarray(canvas.reduce(OVERSIZE))


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a smooth curve through the points (Catmull and Rom 1974), 12 steps from each to the next."""
    if len(points) == 2:
        return np.linspace(points[0], points[1], 24)
    before, after = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.concatenate([[before], points, [after]])
    t = np.linspace(0, 1, 12)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    return np.concatenate(parts)
