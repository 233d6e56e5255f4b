"""Selects the ink of one digit: the largest group of connected ink, and the broken-off strokes beside it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.pictures.boxes import Box, as_box
from models.pictures.components import Boxes, find_boxes, label_ink, widen
from models.pictures.strength import WINDOW, measure_strength

MIN_STROKE_SHARE = 0.02  # of the digit's ink: smaller groups are specks
MIN_OTHER_SHARE = 0.3  # of the digit's ink: a group as large as this is another digit


class Group(NamedTuple):
    """Connected ink."""

    box: Box
    share: float  # of all ink, 0..1
    is_member: bool  # of the digit


@dataclass(frozen=True)
class Digit:
    """Where the ink of one digit is in a view."""

    is_own: NDArray[np.bool_]  # (height, width): which pixels of the box may be its ink
    box: Box
    others: int  # other groups about as large as it
    groups: list[Group]  # all ink


def select_digit(ink: Floats) -> Digit | None:
    """Find the digit, given the probability of ink (height, width). Returns None if there is none."""
    labels = label_ink(ink, is_bridged=True)
    if not labels.any():
        return None
    masses = np.bincount(labels.ravel(), ink.ravel())[1:].astype(np.float64)
    boxes = find_boxes(labels)
    main = int(masses.argmax())
    members = _find_members(boxes, masses, main)
    left, top, right, bottom = _enclose(boxes[members])
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    is_other = ~members & (masses > MIN_OTHER_SHARE * masses[main]) & (sides > 0.5 * max(right - left, bottom - top))
    height, width = ink.shape
    left, top, right, bottom = max(0, left - 1), max(0, top - 1), min(width, right + 1), min(height, bottom + 1)
    place = (slice(top, bottom), slice(left, right))
    is_own = widen(np.append(False, members)[labels[place]])
    shares = (masses / masses.sum()).tolist()
    groups = [Group(as_box(boxes[n]), share, bool(members[n])) for n, share in enumerate(shares)]
    return Digit(is_own, (left, top, right, bottom), int(is_other.sum()), groups)


def cut_out(digit: Digit, ink: Floats, colours: Floats) -> Floats:
    """The strength of the digit's ink in its box, given the probability of ink and the colours of the view."""
    (left, top, right, bottom), (height, width) = digit.box, ink.shape
    x, y = max(0, left - WINDOW), max(0, top - WINDOW)
    around = (slice(y, min(height, bottom + WINDOW)), slice(x, min(width, right + WINDOW)))
    strength = measure_strength(ink[around], colours[:, *around])
    return np.where(digit.is_own, strength[top - y : bottom - y, left - x : right - x], 0)


def _find_members(boxes: Boxes, masses: NDArray[np.float64], main: int) -> NDArray[np.bool_]:
    """Which groups are the main one, or a stroke near it, or a stroke near one of those."""
    box = boxes[main]
    side, height = (box[2:] - box[:2]).max(), box[3] - box[1]
    is_sizeable = masses > MIN_STROKE_SHARE * masses[main]
    is_tall = boxes[:, 3] - boxes[:, 1] > 0.6 * height
    members: NDArray[np.bool_] = np.arange(len(boxes)) == main
    for _ in range(3):
        left, top, right, bottom = _enclose(boxes[members])
        beside = np.maximum(boxes[:, 0] - right, left - boxes[:, 2])
        apart = np.maximum(boxes[:, 1] - bottom, top - boxes[:, 3])
        is_next_digit = (beside > 0) & is_tall
        is_stroke = (beside <= 0.1 * side) & (apart <= 0.25 * side) & is_sizeable & ~is_next_digit & ~members
        if not is_stroke.any():
            break
        members |= is_stroke
    return members


def _enclose(boxes: Boxes) -> Box:
    """The box around all boxes."""
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return left, top, right, bottom
