"""Drawings that are no digits, as ink coverage, float32 (height, width) in 0..1."""

import numpy as np

from models.pictures.boxes import Box
from models.training.scenes.drawing import draw_discs, draw_lines, middle_of, side_of
from models.training.scenes.strokes import Ink


def draw_dot(shape: tuple[int, ...], random: np.random.Generator) -> Ink:
    """A dot or a blot anywhere."""
    height, width = shape
    radius = max(1.0, min(shape) * random.uniform(0.01, 0.06))
    x, y = random.uniform(0.1, 0.9, 2) * (width, height)
    return draw_discs((height, width), [(x, y)], radius)


def draw_doodle(shape: tuple[int, ...], box: Box, random: np.random.Generator) -> Ink:
    """A closed curve with dots and strokes in it: a face, a flower, a clock."""
    (x, y), radius = middle_of(box), 0.5 * side_of(box)
    pen = max(1.0, radius * random.uniform(0.03, 0.15))
    turns = np.linspace(0, 2 * np.pi, 40)
    outline = radius * np.stack([np.cos(turns), np.sin(turns) * random.uniform(0.8, 1.2)], axis=1)
    lines = [outline]
    for _ in range(int(random.integers(1, 4))):
        start, end = np.sort(random.uniform(0, 2 * np.pi, 2))
        part = np.linspace(start, end, 20)
        curve = radius * random.uniform(0.15, 0.6) * np.stack([np.cos(part), np.sin(part)], axis=1)
        lines.append(curve + random.uniform(-0.25, 0.25, 2) * radius)
    ink = draw_lines((shape[0], shape[1]), [line + np.array([x, y]) for line in lines], pen)
    places = [
        (x + dx * radius, y + dy * radius) for dx, dy in random.uniform(-0.5, 0.5, (int(random.integers(1, 4)), 2))
    ]
    return np.maximum(ink, draw_discs((shape[0], shape[1]), places, pen))
