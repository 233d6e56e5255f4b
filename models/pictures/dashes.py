"""Finds the dashes between the digits of a line: they separate two numbers."""

from collections.abc import Iterable

from models.pictures.boxes import Box, middle_of, size_of

# All are shares of a digit's height.
MIN_WIDTH, MAX_WIDTH, MAX_THICKNESS = 0.15, 1.2, 0.3
MAX_OFFSET = 0.3  # of a dash's middle from that of the digits beside it
MIN_FLATNESS = 1.5  # width for one of thickness


def find_dashes(candidates: Iterable[Box], digits: list[Box], height: float) -> list[Box]:
    """Those of the boxes that are a dash between two of the digits, which are `height` pixels tall."""
    return [box for box in candidates if _is_flat(box, height) and _is_between(box, digits, height)]


def _is_flat(box: Box, height: float) -> bool:
    width, thickness = size_of(box)
    has_size = MIN_WIDTH * height <= width <= MAX_WIDTH * height and thickness <= MAX_THICKNESS * height
    return has_size and width >= MIN_FLATNESS * thickness


def _is_between(box: Box, digits: list[Box], height: float) -> bool:
    """Whether the box stands apart from the nearest digits on its left and its right, at half their height."""
    x, y = middle_of(box)
    left = max((digit for digit in digits if middle_of(digit)[0] < x), key=lambda each: each[2], default=None)
    right = min((digit for digit in digits if middle_of(digit)[0] > x), key=lambda each: each[0], default=None)
    if left is None or right is None or left[2] > box[0] or right[0] < box[2]:
        return False
    middle = (middle_of(left)[1] + middle_of(right)[1]) / 2
    return abs(y - middle) <= MAX_OFFSET * height
