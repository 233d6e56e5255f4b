"""Connected components of ink."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Floats
from models.pictures.boxes import Box

MIN_INK = 0.5  # of a pixel: the eye takes it for ink rather than not
MIN_FAINT_INK = 0.2  # of a pixel beside ink: a stroke that the eye is less sure of continues it
NEIGHBOURS = np.ones((3, 3), bool)  # pixels that touch at a corner are connected

Level = TypeVar("Level", np.float32, np.bool_)
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


def widen(ink: NDArray[Level]) -> NDArray[Level]:
    """The highest level of each pixel and its eight neighbours: ndimage.maximum_filter in a third of its time."""
    for _ in range(2):  # down and up, then to the right and left
        widened = ink.copy("K")
        np.maximum(widened[1:], ink[:-1], out=widened[1:])
        np.maximum(widened[:-1], ink[1:], out=widened[:-1])
        ink = widened.T
    return ink


def label_ink(ink: Floats, *, is_bridged: bool = False) -> NDArray[np.int32]:
    """Labels (height, width) of connected ink in 0..1, from 1 on: ink, and the faint ink that continues it.

    Gaps of up to two pixels may be bridged, but are not labelled. (Canny 1986: thresholding with hysteresis.)
    """
    is_ink = ink > MIN_FAINT_INK
    labels, count = ndimage.label(widen(is_ink) if is_bridged else is_ink, NEIGHBOURS)
    numbers = np.zeros(count + 1, np.int32)
    kept = np.unique(labels[ink > MIN_INK])
    numbers[kept] = np.arange(1, len(kept) + 1)
    labelled: NDArray[np.int32] = np.where(is_ink, numbers[labels], 0)
    return labelled


def find_boxes(labels: NDArray[np.int32]) -> Boxes:
    """The box of each label, from 1 on."""
    found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)]
    return np.array(found, np.int64).reshape(-1, 4)
