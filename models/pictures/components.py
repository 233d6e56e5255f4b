"""Which ink is the digit: connected pieces, the best of them, and those that belong to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.pictures.background import Ink
from models.pictures.decoding import Grey
from models.pictures.normalised import Box
from models.pictures.ruling import without_lines

FIRM = 0.35  # of the digit's own strength: what is weaker beside it is a line, a shadow or a smear
TINY = 0.04  # of the page: dust, dots
STRONGEST = 60  # pixels: as many are stronger than what is called the strongest ink
LONG = 0.6  # of the page: a piece that reaches this far may be the lines of the paper
FAINTEST = 14.0  # of 255: ink weaker than this is none
NEIGHBOURS = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Digit:
    """The ink of one digit, cut out of a picture: 0..1, and where it stood."""

    ink: Grey
    box: Box
    others: int  # further pieces of about its size

    @property
    def filling(self) -> float:
        """The share of its box that is ink."""
        return float((self.ink > 0.5).mean())


def pick_digit(ink: Ink) -> Digit | None:
    """The digit of a picture; None on a blank page."""
    strength = ndimage.uniform_filter(ink.strength, 3) if ink.noise > 2 else ink.strength
    least = max(FAINTEST, 4 * ink.noise)
    found = _search(strength, least)
    if found is not None and not found.is_decent() and found.may_be_lines():
        bare = without_lines(strength, least, found.full)
        if bare is not strength:
            found = _search(bare, least, is_lined=True) or found
    return None if found is None else found.cut()


def _search(strength: Grey, least: float, is_lined: bool = False) -> "_Pieces | None":
    """The pieces of ink at the highest level at which one of them may well be a digit.

    From the strongest ink down: a pen's digit shows before the lines of its paper, a pencil's after a shadow's edge.
    """
    counts = np.bincount(strength.ravel().astype(np.uint8), minlength=256)  # np.partition is slow on so many zeros
    strongest = 255.0 - int((counts[::-1].cumsum() >= min(STRONGEST, strength.size)).argmax())
    level = max(least, FIRM * strongest)
    found = _find(strength, level, is_lined)
    while level > least and (found is None or not found.is_decent()):
        level = max(least, level / 2)
        found = _find(strength, level, is_lined) or found
    if found is None or FIRM * found.full >= level:
        return found
    return _find(strength, max(least, FIRM * found.full), is_lined, found.peak)  # its own fainter parts belong to it


def _find(strength: Grey, least: float, is_lined: bool, peak: int | None = None) -> "_Pieces | None":
    labels, count = ndimage.label(strength > least, NEIGHBOURS)
    return _Pieces(strength, labels, least, is_lined, peak) if count else None


class _Pieces:
    """The connected pieces of ink stronger than a level, and the one that is most likely the digit."""

    def __init__(
        self, strength: Grey, labels: NDArray[np.int32], least: float, is_lined: bool, peak: int | None
    ) -> None:
        self.labels, self.strength, self.least, self.is_lined = labels, strength, least, is_lined
        flat = labels.ravel()
        inked = np.flatnonzero(flat)
        self.areas = np.bincount(flat[inked])[1:]
        self.masses = np.bincount(flat[inked], strength.ravel()[inked])[1:]
        self.boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)])
        height, width = labels.shape
        x, y, right, bottom = self.boxes.T
        self.at_edge: NDArray[np.bool_] = (x <= 0) | (y <= 0) | (right >= width) | (bottom >= height)
        wide, high = right - x, bottom - y
        self.is_tiny: NDArray[np.bool_] = np.maximum(wide, high) < max(5, TINY * max(width, height))
        # no digit is this flat; where lines were taken out, this narrow is what was left of one
        self.is_flat: NDArray[np.bool_] = (wide > 5 * high) | (is_lined & (high > 6 * wide))
        self.worth = self._worth()
        self.main = int(self.worth.argmax()) if peak is None else int(flat[peak]) - 1
        own = np.flatnonzero(flat == self.main + 1)
        levels = strength.ravel()[own]
        self.peak = int(own[levels.argmax()])  # where the main piece is strongest, as an index of the flat picture
        self.full = float(np.percentile(levels, 95))

    def is_decent(self) -> bool:
        """Whether the main piece may well be a digit: in the picture, of some size, no line."""
        return not (self.at_edge | self.is_tiny | self.is_flat)[self.main]

    def may_be_lines(self) -> bool:
        """Whether some piece reaches from the picture's edge across most of it."""
        height, width = self.labels.shape
        is_long = ((self.boxes[:, 2:] - self.boxes[:, :2]) > (LONG * width, LONG * height)).any(axis=1)
        return bool((is_long & self.at_edge).any())

    def cut(self) -> Digit:
        """The main piece and what belongs to it."""
        members = self._members()
        left, top = (int(edge) for edge in self.boxes[members, :2].min(axis=0))
        right, bottom = (int(edge) for edge in self.boxes[members, 2:].max(axis=0))
        place = (slice(top, bottom), slice(left, right))
        kept = ndimage.binary_dilation(np.isin(self.labels[place], np.flatnonzero(members) + 1), NEIGHBOURS)
        levels = np.where(kept, self.strength[place], 0)
        full = float(np.percentile(levels[levels > self.least], 75))
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)
        others = ~members & (sides > 0.5 * max(right - left, bottom - top)) & (self.worth > 0.3 * self.worth[self.main])
        ink = np.clip((levels / full - 0.15) / 0.65, 0, 1).astype(np.float32)
        return Digit(ink, (left, top, right, bottom), int(others.sum()))

    def _worth(self) -> NDArray[np.float64]:
        """How likely each piece is the digit: by its size and darkness, less at the edge and off the middle."""
        height, width = self.labels.shape
        middle = (self.boxes[:, :2] + self.boxes[:, 2:]) / (width, height) - 1
        size = np.hypot(*(self.boxes[:, 2:] - self.boxes[:, :2]).T)
        unlikely = np.where(self.at_edge, 0.05, 1) * np.where(self.is_flat, 0.05, 1) * np.where(self.is_tiny, 0.05, 1)
        worth: NDArray[np.float64] = size * (self.masses / self.areas) ** 1.5 * np.exp(-np.hypot(*middle.T)) * unlikely
        return worth

    def _members(self) -> NDArray[np.bool_]:
        """The main piece and the broken-off strokes near it, or near one of those."""
        box = self.boxes[self.main]
        side, height = (box[2:] - box[:2]).max(), box[3] - box[1]
        is_sizeable = self.masses > 0.02 * self.masses[self.main]
        is_tall = self.boxes[:, 3] - self.boxes[:, 1] > 0.6 * height
        members: NDArray[np.bool_] = np.arange(len(self.boxes)) == self.main
        for _ in range(3):
            left, top = self.boxes[members, :2].min(axis=0)
            right, bottom = self.boxes[members, 2:].max(axis=0)
            beside = np.maximum(self.boxes[:, 0] - right, left - self.boxes[:, 2])
            apart = np.maximum(self.boxes[:, 1] - bottom, top - self.boxes[:, 3])
            is_near = (beside <= 0.1 * side) & (apart <= 0.25 * side)
            is_next_digit = (beside > 0) & is_tall
            members |= is_near & is_sizeable & ~is_next_digit & (self.at_edge[self.main] | ~self.at_edge)
        return members
