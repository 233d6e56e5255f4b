"""A line of a page as the line reader takes it: 32 pixels high, its digits 20 tall and in the middle."""

from dataclasses import dataclass

import numpy as np

from models.pictures.centring import even_strokes, resize
from models.pictures.decoding import Grey
from models.pictures.layout import TALL, Line
from models.pictures.line_format import HEIGHT
from models.pictures.normalised import Box

DIGIT = 20  # pixels
MARGIN = 8  # pixels of the strip on either side
FINE = 40  # pixels of a digit where strokes are measured
STEEPEST = 0.36  # that a line climbs or falls; from 15 to 20 degrees on it is not found to be one line


@dataclass(frozen=True)
class Strip:
    """`ink` is float32 (32, width) in 0..1, its width even."""

    ink: Grey
    left: float  # of the strip in the page's working picture
    scale: float  # pixels of the strip for one of the working picture

    def to_page(self, x: float) -> float:
        """Where a column of the strip stands in the working picture."""
        return self.left + x / self.scale


def draw_strip(line: Line) -> Strip:
    """The line straightened, and its strokes made as broad as MNIST's where they are far from it."""
    scale = DIGIT / line.height
    margin, rows = round(MARGIN / scale), round(HEIGHT / scale)
    left = min(piece.box[0] for piece in line.pieces) - margin
    width = max(piece.box[2] for piece in line.pieces) + margin - left
    slope, level = _direction(line)
    field = np.zeros((rows, width), np.float32)
    for piece in line.pieces:
        x, y = piece.box[0] - left, piece.box[1] + rows // 2 - round(level + slope * _middle(piece.box)[0])
        top, bottom = max(0, y), min(rows, y + piece.height)
        if top < bottom:
            place = field[top:bottom, x : x + piece.ink.shape[1]]
            np.maximum(place, piece.ink[top - y : bottom - y], out=place)
    small = resize(even_strokes(resize(field, FINE / line.height), FINE), DIGIT / FINE)
    strip = np.zeros((HEIGHT, small.shape[1] + small.shape[1] % 2), np.float32)
    strip[: len(small), : small.shape[1]] = small[:HEIGHT]
    return Strip(strip, left, small.shape[1] / width)


def _direction(line: Line) -> tuple[float, float]:
    """Slope and level of the straight line through the middles of its tall pieces."""
    tall = [piece for piece in line.pieces if piece.height >= TALL * line.height]
    x, y = np.array([_middle(piece.box) for piece in tall]).T
    if np.ptp(x) < line.height:
        return 0.0, float(y.mean())
    slope = float(np.clip(np.polyfit(x, y, 1)[0], -STEEPEST, STEEPEST))
    return slope, float((y - slope * x).mean())


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
