"""Draws a line as the line reader's input: 32 pixels high, its digits 20 tall and vertically centred."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.pictures.boxes import middle_of
from models.pictures.centring import equalise_strokes, resize
from models.pictures.line_format import HEIGHT
from models.pictures.text_lines import MAX_SLOPE, MIN_TALL_SHARE, TextLine

DIGIT_HEIGHT = 20  # pixels
PADDING = 8  # pixels of the line image on the left and on the right
FINE_DIGIT_HEIGHT = 40  # pixels, where strokes are measured


@dataclass(frozen=True)
class LineImage:
    """A straightened line, and its place in the working picture."""

    ink: Floats  # (32, width) in 0..1, its width even
    left: float  # in the working picture
    scale: float  # pixels of the line image for one of the working picture

    def to_working_x(self, x: float) -> float:
        """The column of the working picture at column `x` of the line image."""
        return self.left + x / self.scale


def draw_line_image(line: TextLine) -> LineImage:
    """Straighten the line, scale it, and bring its strokes to about the width of MNIST's."""
    scale = DIGIT_HEIGHT / line.height
    padding, rows = round(PADDING / scale), round(HEIGHT / scale)
    left = min(component.box[0] for component in line.components) - padding
    width = max(component.box[2] for component in line.components) + padding - left
    slope, intercept = _fit_direction(line)
    canvas = np.zeros((rows, width), np.float32)
    for component in line.components:
        middle = round(intercept + slope * middle_of(component.box)[0])
        x, y = component.box[0] - left, component.box[1] + rows // 2 - middle
        top, bottom = max(0, y), min(rows, y + component.height)
        if top < bottom:
            place = canvas[top:bottom, x : x + component.ink.shape[1]]
            np.maximum(place, component.ink[top - y : bottom - y], out=place)
    fine = equalise_strokes(resize(canvas, FINE_DIGIT_HEIGHT / line.height), FINE_DIGIT_HEIGHT)
    small = resize(fine, DIGIT_HEIGHT / FINE_DIGIT_HEIGHT)
    ink = np.zeros((HEIGHT, small.shape[1] + small.shape[1] % 2), np.float32)
    ink[: len(small), : small.shape[1]] = small[:HEIGHT]
    return LineImage(ink, left, small.shape[1] / width)


def _fit_direction(line: TextLine) -> tuple[float, float]:
    """Slope and intercept of the straight line through the middles of the tall components."""
    tall = [component for component in line.components if component.height >= MIN_TALL_SHARE * line.height]
    x, y = np.array([middle_of(component.box) for component in tall]).T
    if np.ptp(x) < line.height:
        return 0.0, float(y.mean())
    slope = float(np.clip(np.polyfit(x, y, 1)[0], -MAX_SLOPE, MAX_SLOPE))
    return slope, float((y - slope * x).mean())
