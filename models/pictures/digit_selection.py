"""Selects the ink of one digit in a picture: the component most like a digit, and the broken-off strokes beside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.arrays import Floats
from models.pictures.background import Foreground
from models.pictures.boxes import Box
from models.pictures.components import (
    MIN_RELATIVE_STRENGTH,
    NEIGHBOURS,
    denoise,
    find_boxes,
    may_have_ruling,
    peak_strength,
    touches_edge,
)
from models.pictures.ruling import remove_ruling

MAX_TINY_SHARE = 0.04  # of the picture's longer side: components shorter than this are dust and dots


@dataclass(frozen=True)
class Digit:
    """The ink of one digit, cut out of a picture."""

    ink: Floats  # (height, width), 0..1
    box: Box
    others: int  # other components about as large as it

    @property
    def extent(self) -> float:
        """The share of the box that is ink."""
        return float((self.ink > 0.5).mean())


def select_digit(foreground: Foreground) -> Digit | None:
    """Cut out the digit. Returns None if there is no ink."""
    strength, threshold = denoise(foreground)
    found = _search(strength, threshold)
    if found is not None and not found.is_plausible() and may_have_ruling(found.boxes, strength.shape):
        cleaned = remove_ruling(strength, threshold, found.full_strength)
        if cleaned is not strength:
            found = _search(cleaned, threshold, is_ruling_removed=True) or found
    return None if found is None else found.cut_out()


def _search(strength: Floats, min_threshold: float, is_ruling_removed: bool = False) -> "_Components | None":
    """The components at the highest threshold at which the best of them is a plausible digit.

    The threshold starts at the strongest ink, so that a digit in ink is found before the ruling of its paper, and
    falls, so that a digit in pencil is found although the edge of a shadow is stronger.
    """
    threshold = max(min_threshold, MIN_RELATIVE_STRENGTH * peak_strength(strength))
    found = _find(strength, threshold, is_ruling_removed)
    while threshold > min_threshold and (found is None or not found.is_plausible()):
        threshold = max(min_threshold, threshold / 2)
        found = _find(strength, threshold, is_ruling_removed) or found
    if found is None or MIN_RELATIVE_STRENGTH * found.full_strength >= threshold:
        return found
    # the digit is weaker than the strongest ink: a lower threshold also takes in its own fainter parts
    return _find(
        strength, max(min_threshold, MIN_RELATIVE_STRENGTH * found.full_strength), is_ruling_removed, found.peak
    )


def _find(strength: Floats, threshold: float, is_ruling_removed: bool, peak: int | None = None) -> "_Components | None":
    labels, count = ndimage.label(strength > threshold, NEIGHBOURS)
    return _Components(strength, labels, threshold, is_ruling_removed, peak) if count else None


class _Components:
    """The components of ink above a threshold. The main one is the one most like a digit, or the one at `peak`."""

    def __init__(
        self,
        strength: Floats,
        labels: NDArray[np.int32],
        threshold: float,
        is_ruling_removed: bool,
        peak: int | None,
    ) -> None:
        self.labels, self.strength, self.threshold = labels, strength, threshold
        flat = labels.ravel()
        inked = np.flatnonzero(flat)
        self.areas = np.bincount(flat[inked])[1:]
        self.masses = np.bincount(flat[inked], strength.ravel()[inked])[1:]
        self.boxes = find_boxes(labels)
        self.at_edge = touches_edge(self.boxes, labels.shape)
        width, height = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        self.is_tiny: NDArray[np.bool_] = np.maximum(width, height) < max(5, MAX_TINY_SHARE * max(labels.shape))
        # no digit is this flat; where ruling was removed, a remainder of it may be this narrow
        self.is_flat: NDArray[np.bool_] = (width > 5 * height) | (is_ruling_removed & (height > 6 * width))
        self.scores = self._score()
        self.main = int(self.scores.argmax()) if peak is None else int(flat[peak]) - 1
        own = np.flatnonzero(flat == self.main + 1)
        levels = strength.ravel()[own]
        self.peak = int(own[levels.argmax()])  # where the main component is strongest, as an index of the flat picture
        self.full_strength = float(np.percentile(levels, 95))

    def is_plausible(self) -> bool:
        """Whether the main component may be a digit: away from the edge, not tiny, not flat."""
        return not (self.at_edge | self.is_tiny | self.is_flat)[self.main]

    def cut_out(self) -> Digit:
        """The main component and the strokes that belong to it."""
        members = self._members()
        left, top = (int(edge) for edge in self.boxes[members, :2].min(axis=0))
        right, bottom = (int(edge) for edge in self.boxes[members, 2:].max(axis=0))
        place = (slice(top, bottom), slice(left, right))
        kept = ndimage.binary_dilation(np.isin(self.labels[place], np.flatnonzero(members) + 1), NEIGHBOURS)
        levels = np.where(kept, self.strength[place], 0)
        full = float(np.percentile(levels[levels > self.threshold], 75))
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)
        is_large = (sides > 0.5 * max(right - left, bottom - top)) & (self.scores > 0.3 * self.scores[self.main])
        ink = np.clip((levels / full - 0.15) / 0.65, 0, 1).astype(np.float32)
        return Digit(ink, (left, top, right, bottom), int((~members & is_large).sum()))

    def _score(self) -> NDArray[np.float64]:
        """How likely each component is the digit: by size and darkness, less off the middle, at the edge, if flat."""
        height, width = self.labels.shape
        middle = (self.boxes[:, :2] + self.boxes[:, 2:]) / (width, height) - 1
        size = np.hypot(*(self.boxes[:, 2:] - self.boxes[:, :2]).T)
        unlikely = np.where(self.at_edge, 0.05, 1) * np.where(self.is_flat, 0.05, 1) * np.where(self.is_tiny, 0.05, 1)
        scores: NDArray[np.float64] = size * (self.masses / self.areas) ** 1.5 * np.exp(-np.hypot(*middle.T)) * unlikely
        return scores

    def _members(self) -> NDArray[np.bool_]:
        """Which components are the main one, or a stroke near it, or a stroke near one of those."""
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
