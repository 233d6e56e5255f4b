"""Which ink is the digit: connected pieces, the best of them, and those that belong to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.pictures.decoding import Grey
from models.pictures.ground import Ink
from models.pictures.lines import without_lines

Box = tuple[int, int, int, int]  # left, top, right, bottom

FIRM = 0.35  # of the digit's own strength: what is weaker beside it is a line, a shadow or a smear
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
    found = _find_firm(strength, least)
    if found is not None and found.may_be_lines():
        bare = without_lines(strength, least, found.full)
        if bare is not strength:
            found = _find_firm(bare, least, is_lined=True) or found
    return None if found is None else found.cut()


def _find_firm(strength: Grey, least: float, is_lined: bool = False) -> "_Pieces | None":
    """The pieces of ink; where the best is much stronger than `least`, without what is faint beside it."""
    found = _find(strength, least, is_lined)
    if found is None or FIRM * found.full < 1.2 * least:
        return found
    return _find(strength, FIRM * found.full, is_lined) or found


def _find(strength: Grey, least: float, is_lined: bool) -> "_Pieces | None":
    labels, count = ndimage.label(strength > least, NEIGHBOURS)
    return _Pieces(strength, labels, least, is_lined) if count else None


class _Pieces:
    """The connected pieces of ink stronger than a level, and the one that is most likely the digit."""

    def __init__(self, strength: Grey, labels: NDArray[np.int32], least: float, is_lined: bool) -> None:
        self.labels, self.strength, self.least, self.is_lined = labels, strength, least, is_lined
        inked = np.flatnonzero(labels)
        self.areas = np.bincount(labels.ravel()[inked])[1:]
        self.masses = np.bincount(labels.ravel()[inked], strength.ravel()[inked])[1:]
        self.boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)])
        height, width = labels.shape
        self.at_edge = (self.boxes <= 0)[:, :2].any(axis=1) | (self.boxes[:, 2:] >= (width, height)).any(axis=1)
        self.worth = self._worth()
        self.main = int(self.worth.argmax())
        left, top, right, bottom = self.boxes[self.main]
        place = (slice(top, bottom), slice(left, right))
        # how strong the main piece is where it is strong
        self.full = float(np.percentile(strength[place][labels[place] == self.main + 1], 95))

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
        wide, high = self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1]
        middle = (self.boxes[:, :2] + self.boxes[:, 2:]) / (width, height) - 1
        is_flat = wide > 5 * high  # no digit is
        is_rest = self.is_lined & (high > 6 * wide)  # what was left of a line
        worth: NDArray[np.float64] = (
            (np.hypot(wide, high) * (self.masses / self.areas) ** 1.5 * np.exp(-np.hypot(*middle.T)))
            * np.where(self.at_edge, 0.05, 1)
            * np.where(is_flat | is_rest, 0.05, 1)
        )
        return worth

    def _members(self) -> NDArray[np.bool_]:
        """The main piece and the broken-off strokes near it."""
        box = self.boxes[self.main]
        side = (box[2:] - box[:2]).max()
        apart = np.maximum(self.boxes[:, :2] - box[2:], box[:2] - self.boxes[:, 2:])
        is_near = np.less_equal(apart, (0.1 * side, 0.25 * side)).all(axis=1)
        members = np.logical_and(is_near, self.masses > 0.02 * self.masses[self.main])
        if not self.at_edge[self.main]:
            members &= ~self.at_edge
        members[self.main] = True
        return members
