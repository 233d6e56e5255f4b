"""Which ink is the digit: connected pieces, the best of them, and those that belong to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.pictures.decoding import Grey
from models.pictures.ground import Ink

Box = tuple[int, int, int, int]  # left, top, right, bottom

FAINTEST = 14.0  # of 255: ink weaker than this is none
NEIGHBOURS = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Digit:
    """The ink of one digit, cut out of a picture: 0..1, and where it stood."""

    ink: Grey
    box: Box
    others: int  # further pieces of about its size


def pick_digit(ink: Ink) -> Digit | None:
    """The digit of a picture; None on a blank page."""
    strength = ink.strength
    if ink.noise > 2:
        strength = ndimage.uniform_filter(strength, 3)
    least = max(FAINTEST, 4 * ink.noise, 0.25 * float(np.partition(strength.ravel(), -20)[-20:].min()) if strength.size > 400 else 0)
    labels, count = ndimage.label(strength > least, NEIGHBOURS)
    if not count:
        return None
    masses = np.bincount(labels.ravel(), strength.ravel())[1:]
    boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)])
    worth = _worth(boxes, masses, strength.shape)
    main = int(worth.argmax())
    members = _members(main, boxes, masses, worth)
    kept = np.isin(labels, np.flatnonzero(members) + 1)
    left, top = boxes[members, :2].min(axis=0)
    right, bottom = boxes[members, 2:].max(axis=0)
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    others = (sides > 0.5 * max(right - left, bottom - top)) & (worth > 0.3 * worth[main]) & ~members
    cut = (slice(top, bottom), slice(left, right))
    kept = ndimage.binary_dilation(kept[cut], NEIGHBOURS)
    levels = np.where(kept, ink.strength[cut], 0)
    full = float(np.percentile(levels[levels > least], 75))
    return Digit(np.clip((levels / full - 0.15) / 0.65, 0, 1).astype(np.float32), (int(left), int(top), int(right), int(bottom)), int(others.sum()))


def _worth(boxes: NDArray[np.int_], masses: Grey, shape: tuple[int, ...]) -> Grey:
    """How likely each piece is the digit: by its ink, less at the picture's edge and off its middle."""
    height, width = shape
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    at_edge = (boxes[:, 0] <= 0) | (boxes[:, 1] <= 0) | (boxes[:, 2] >= width) | (boxes[:, 3] >= height)
    off = np.hypot((boxes[:, 0] + boxes[:, 2]) / width - 1, (boxes[:, 1] + boxes[:, 3]) / height - 1)
    is_line = (wide > 6 * high) & (wide > 0.3 * width)
    worth = np.sqrt(masses * np.hypot(wide, high)) * np.exp(-off) * np.where(at_edge, 0.15, 1) * np.where(is_line, 0.1, 1)
    return worth


def _members(main: int, boxes: NDArray[np.int_], masses: Grey, worth: Grey) -> NDArray[np.bool_]:
    """The main piece and the broken-off strokes near it."""
    box, side = boxes[main], max(boxes[main, 2] - boxes[main, 0], boxes[main, 3] - boxes[main, 1])
    apart_x = np.maximum(boxes[:, 0] - box[2], box[0] - boxes[:, 2]).clip(0)
    apart_y = np.maximum(boxes[:, 1] - box[3], box[1] - boxes[:, 3]).clip(0)
    near = (apart_x <= 0.1 * side) & (apart_y <= 0.15 * side)
    members = near & (masses > 0.02 * masses[main]) & (worth > 0.01 * worth[main])
    members[main] = True
    return members
