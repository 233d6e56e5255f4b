"""Boxes in pixels of a picture."""

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are the first column and row outside


def as_box(edges: NDArray[np.int64]) -> Box:
    """A row (4,) of an array of boxes."""
    left, top, right, bottom = edges.tolist()
    return left, top, right, bottom


def size_of(box: Box) -> tuple[int, int]:
    """Width and height."""
    return box[2] - box[0], box[3] - box[1]


def middle_of(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def gap_between(one: Box, other: Box) -> float:
    """The distance between two boxes; 0 if they touch or overlap."""
    across = max(one[0] - other[2], other[0] - one[2], 0)
    down = max(one[1] - other[3], other[1] - one[3], 0)
    return float(np.hypot(across, down))
