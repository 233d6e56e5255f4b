"""Connected components of ink."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Floats
from models.pictures.background import Foreground
from models.pictures.boxes import Box

MIN_STRENGTH = 14.0  # of 255: weaker pixels are not ink
MIN_RELATIVE_STRENGTH = 0.35  # of the digit's own strength: weaker ink is ruling, a shadow or a smear
PEAK_PIXELS = 60  # the peak strength is the level that this many pixels reach
MIN_RULING_SHARE = 0.6  # of the picture's side: a component as long as this may be ruling
MAX_QUIET_NOISE = 2.0  # of 255: with more noise the ink is smoothed first
NEIGHBOURS = np.ones((3, 3), bool)  # pixels that touch at a corner are connected

Boxes = NDArray[np.int64]  # (count, 4): left, top, right, bottom


@dataclass(frozen=True)
class Component:
    """Connected ink, cut out of a picture."""

    ink: Floats  # (height, width), 0..1
    box: Box

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


def denoise(foreground: Foreground) -> tuple[Floats, float]:
    """Returns the strength, smoothed if the background is noisy, and the threshold below which nothing is ink."""
    is_noisy = foreground.noise > MAX_QUIET_NOISE
    strength = ndimage.uniform_filter(foreground.strength, 3) if is_noisy else foreground.strength
    return strength, max(MIN_STRENGTH, 4 * foreground.noise)


def peak_strength(strength: Floats) -> float:
    """The highest whole level that PEAK_PIXELS pixels reach, 0..255."""
    counts = np.bincount(strength.ravel().astype(np.uint8), minlength=256)  # np.partition is slow on so many zeros
    return 255.0 - int((counts[::-1].cumsum() >= min(PEAK_PIXELS, strength.size)).argmax())


def find_boxes(labels: NDArray[np.int32]) -> Boxes:
    """The box of each label, from 1 on."""
    found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)]
    return np.array(found, np.int64).reshape(-1, 4)


def touches_edge(boxes: Boxes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each box reaches the edge of a picture of this shape (height, width)."""
    left, top, right, bottom = boxes.T
    touches: NDArray[np.bool_] = (left <= 0) | (top <= 0) | (right >= shape[1]) | (bottom >= shape[0])
    return touches


def may_have_ruling(boxes: Boxes, shape: tuple[int, ...]) -> bool:
    """Whether some component extends from the picture's edge across most of the picture."""
    sides = boxes[:, 2:] - boxes[:, :2]
    is_long = (sides > (MIN_RULING_SHARE * shape[1], MIN_RULING_SHARE * shape[0])).any(axis=1)
    return bool((is_long & touches_edge(boxes, shape)).any())
