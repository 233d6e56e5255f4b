"""Assigns the ink of a line to the digits that were read in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from models.arrays import Floats
from models.pictures.boxes import Box, gap_between, middle_of
from models.pictures.centring import MIN_INK, crop
from models.pictures.components import Component
from models.pictures.seams import find_seam
from models.pictures.text_lines import MIN_TALL_SHARE, TextLine

# All are shares of a digit's height.
SEARCH_RADIUS = 0.2  # a digit belongs to the component with the most ink this near to its position
MIN_EDGE = 0.1  # no narrower part is split off a component, even if a digit was read at its edge
SEAM_BAND = 0.2  # how far a seam may move to either side of its column
MAX_SMALL_GAP, MAX_TALL_GAP = 0.25, 0.1  # a small or a tall component this near to a digit is a part of it


@dataclass
class DigitInk:
    """The components of one digit, in pixels of the working picture."""

    digit_index: int | None  # in the digits that were read; None for ink that was not read
    components: list[Component] = field(default_factory=list)
    split_from: int | None = None  # the index of the line's component, if it was split between several digits

    @property
    def box(self) -> Box:
        left, top, right, bottom = zip(*(component.box for component in self.components), strict=True)
        return min(left), min(top), max(right), max(bottom)

    def draw(self) -> Floats:
        """The ink of all components in 0..1, as large as their box."""
        left, top, right, bottom = self.box
        canvas = np.zeros((bottom - top, right - left), np.float32)
        for component in self.components:
            x, y = component.box[0] - left, component.box[1] - top
            place = canvas[y : y + component.ink.shape[0], x : x + component.ink.shape[1]]
            np.maximum(place, component.ink, out=place)
        return canvas


def assign_ink(line: TextLine, positions: Sequence[float]) -> list[DigitInk]:
    """The ink of the digits at `positions`, columns of the working picture, and of what was not read; in order."""
    owners = [_component_at(line, x) for x in positions]
    inks: list[DigitInk] = []
    for index, component in enumerate(line.components):
        own = [number for number, owner in enumerate(owners) if owner == index]
        parts = _split(component, [positions[number] for number in own], line.height)
        split_from = index if len(own) > 1 else None
        inks += (DigitInk(number, [part], split_from) for number, part in zip(own, parts, strict=True))
    for index in sorted(set(range(len(line.components))) - set(owners)):
        _assign_unread(inks, line.components[index], line.height)
    return sorted(
        inks, key=lambda ink: middle_of(ink.box)[0] if ink.digit_index is None else positions[ink.digit_index]
    )


def _component_at(line: TextLine, x: float) -> int:
    """The index of the component with the most ink around column `x`, or else of the nearest one."""
    radius = SEARCH_RADIUS * line.height
    inks = [_ink_between(component, x - radius, x + radius) for component in line.components]
    if max(inks) > 0:
        return int(np.argmax(inks))
    return int(np.argmin([max(component.box[0] - x, x - component.box[2]) for component in line.components]))


def _ink_between(component: Component, left: float, right: float) -> float:
    start, stop = (max(0, round(edge - component.box[0])) for edge in (left, right))
    return float(component.ink[:, start:stop].sum())


def _split(component: Component, positions: list[float], height: float) -> list[Component]:
    """The parts of a component for the digits at these columns, from left to right."""
    if len(positions) < 2:
        return [component] * len(positions)
    width = component.ink.shape[1]
    part = np.zeros(component.ink.shape, np.int64)  # of each pixel
    edge = min(MIN_EDGE * height, width / 2)
    for left, right in pairwise(np.clip(np.array(positions) - component.box[0], edge, width - edge).tolist()):
        distance = (right - left) / 4  # that the seam keeps from both digits' positions
        columns = np.arange(round(left + distance), round(right - distance) + 1).clip(0, width - 1)
        seam = find_seam(component.ink, columns, band=round(min(SEAM_BAND * height, distance)))
        part += np.arange(width) > seam[:, None]
    return [_cut_out(component, np.where(part == number, component.ink, 0)) for number in range(len(positions))]


def _cut_out(component: Component, ink: Floats) -> Component:
    """A part of the component, cropped; the whole component if the part has no ink, so that no digit is lost."""
    if ink.max() <= MIN_INK:
        return component
    ink, x, y = crop(ink)
    left, top = component.box[0] + x, component.box[1] + y
    return Component(ink, (left, top, left + ink.shape[1], top + ink.shape[0]))


def _assign_unread(inks: list[DigitInk], component: Component, height: float) -> None:
    """Add a component in which no digit was read to a near digit; otherwise a tall one is kept, a small one dropped."""
    is_tall = component.height >= MIN_TALL_SHARE * height
    nearest = min(inks, key=lambda ink: gap_between(ink.box, component.box), default=None)
    max_gap = (MAX_TALL_GAP if is_tall else MAX_SMALL_GAP) * height
    if nearest is not None and gap_between(nearest.box, component.box) <= max_gap:
        nearest.components.append(component)
    elif is_tall:
        inks.append(DigitInk(None, [component]))
