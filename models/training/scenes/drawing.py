"""Draws lines, discs and glyphs as ink coverage, float32 (height, width) in 0..1."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from models.pictures.boxes import Box
from models.training.scenes.grounds import Shape
from models.training.scenes.strokes import Ink, Path, oversampling, to_ink


def lay(ink: Ink, glyph: Ink, left: int, top: int) -> None:
    """Draws the glyph into the ink; what lies outside is cut off."""
    height, width = glyph.shape
    first_row, first_column = max(0, -top), max(0, -left)
    rows, columns = min(height, ink.shape[0] - top), min(width, ink.shape[1] - left)
    if rows > first_row and columns > first_column:
        under = ink[top + first_row : top + rows, left + first_column : left + columns]
        np.maximum(under, glyph[first_row:rows, first_column:columns], out=under)


def draw_lines(shape: Shape, lines: list[Path], pen: float) -> Ink:
    """Draws lines, points (count, 2) of x and y, with a pen of this breadth in pixels."""
    factor = oversampling(max(shape))
    canvas = Image.new("L", (shape[1] * factor, shape[0] * factor))
    pencil = ImageDraw.Draw(canvas)
    width = max(1, round(pen * factor))
    for line in lines:
        points = [(float(x), float(y)) for x, y in line * factor]
        pencil.line(points, 255, width, joint="curve")
    return to_ink(canvas, factor)


def draw_discs(shape: Shape, centres: list[tuple[float, float]], radius: float) -> Ink:
    """Draws discs at the centres (x, y); all is in pixels."""
    factor = oversampling(max(shape))
    canvas = Image.new("L", (shape[1] * factor, shape[0] * factor))
    pencil = ImageDraw.Draw(canvas)
    for x, y in centres:
        pencil.ellipse(
            [(x - radius) * factor, (y - radius) * factor, (x + radius) * factor, (y + radius) * factor], 255
        )
    return to_ink(canvas, factor)


def rounded(box: tuple[float, float, float, float], radius: float) -> Path:
    """The outline of a box with rounded corners, closed."""
    left, top, right, bottom = box
    quarter = np.linspace(0, np.pi / 2, 8)
    corners = ((right, bottom, 0), (left, bottom, 1), (left, top, 2), (right, top, 3))
    points = []
    for x, y, turn in corners:
        inner = np.array([x + (radius if x == left else -radius), y + (radius if y == top else -radius)])
        angle = quarter + turn * np.pi / 2
        points.append(inner + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    outline = np.concatenate(points)
    return np.concatenate([outline, outline[:2]])


def straight(x: float, y: float, to_x: float, to_y: float) -> Path:
    return np.linspace((x, y), (to_x, to_y), 20)


def bend(corners: Path) -> Path:
    """Points along straight lines between the corners."""
    return np.concatenate([np.linspace(start, end, 10) for start, end in pairwise(corners)])


def wobble(path: Path, strength: float, random: np.random.Generator) -> Path:
    """The path as an unsteady hand draws it: the points move by about `strength` pixels."""
    moved: Path = path + 2 * ndimage.gaussian_filter1d(random.normal(0, strength, path.shape), 2, axis=0)
    return moved


def side_of(box: Box) -> int:
    return max(box[2] - box[0], box[3] - box[1], 4)


def middle_of(box: Box) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
