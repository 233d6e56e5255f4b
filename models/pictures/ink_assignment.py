"""The ink of a line, divided among the digits that were read in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from models.pictures.centring import crop
from models.pictures.decoding import Grey
from models.pictures.layout import TALL, Line, Piece
from models.pictures.normalised import Box, gap_between
from models.pictures.seams import find_seam

AROUND = 0.2  # of a digit's height: a digit's place is in the piece that has the most ink this near to it
EDGE = 0.1  # of a digit's height: so much of a piece is not cut off, where a digit was read on its edge
BAND = 0.2  # of a digit's height: how far a cut strays to either side of its column
PART, TALL_PART = 0.25, 0.1  # of a digit's height: a piece this near, a small or a tall one, is part of a digit


@dataclass
class Share:
    """The ink of one digit: the `number` of it in what was read, or None where something was not."""

    number: int | None
    pieces: list[Piece] = field(default_factory=list)
    cut_from: int | None = None  # which piece of the line, where others have a part of it

    @property
    def box(self) -> Box:
        left, top, right, bottom = zip(*(piece.box for piece in self.pieces), strict=True)
        return min(left), min(top), max(right), max(bottom)

    def paint(self) -> Grey:
        """The pieces on one field as large as their box."""
        left, top, right, bottom = self.box
        painted = np.zeros((bottom - top, right - left), np.float32)
        for piece in self.pieces:
            x, y = piece.box[0] - left, piece.box[1] - top
            place = painted[y : y + piece.ink.shape[0], x : x + piece.ink.shape[1]]
            np.maximum(place, piece.ink, out=place)
        return painted


def divide(line: Line, places: Sequence[float]) -> list[Share]:
    """The shares of digits that stand at `places`, columns of the working picture, and of what was not read."""
    owners = [_owner(line, x) for x in places]
    shares: list[Share] = []
    for index, piece in enumerate(line.pieces):
        own = [number for number, owner in enumerate(owners) if owner == index]
        parts = _cut(piece, [places[number] for number in own], line.height)
        cut_from = index if len(own) > 1 else None
        shares += (Share(number, [part], cut_from) for number, part in zip(own, parts, strict=True))
    for index in sorted(set(range(len(line.pieces))) - set(owners)):
        _add_loose(shares, line.pieces[index], line.height)
    return sorted(shares, key=lambda share: _middle(share.box) if share.number is None else places[share.number])


def _middle(box: Box) -> float:
    return (box[0] + box[2]) / 2


def _owner(line: Line, x: float) -> int:
    """The piece that a digit at this column is of."""
    reach = AROUND * line.height
    inks = [_ink_between(piece, x - reach, x + reach) for piece in line.pieces]
    if max(inks) > 0:
        return int(np.argmax(inks))
    return int(np.argmin([max(piece.box[0] - x, x - piece.box[2]) for piece in line.pieces]))


def _ink_between(piece: Piece, left: float, right: float) -> float:
    start, stop = (max(0, round(edge - piece.box[0])) for edge in (left, right))
    return float(piece.ink[:, start:stop].sum())


def _cut(piece: Piece, places: list[float], height: float) -> list[Piece]:
    """The parts of a piece for digits at these columns, from left to right."""
    if len(places) < 2:
        return [piece] * len(places)
    side = np.zeros(piece.ink.shape, np.int64)
    edge = min(EDGE * height, piece.ink.shape[1] / 2)
    for left, right in pairwise(np.clip(np.array(places) - piece.box[0], edge, piece.ink.shape[1] - edge).tolist()):
        aside = (right - left) / 4  # neither the cut's column nor the cut itself comes near to the digits' places
        columns = np.arange(round(left + aside), round(right - aside) + 1).clip(0, piece.ink.shape[1] - 1)
        seam = find_seam(piece.ink, columns, band=round(min(BAND * height, aside)))
        side += np.arange(piece.ink.shape[1]) > seam[:, None]
    return [_part(piece, np.where(side == number, piece.ink, 0)) for number in range(len(places))]


def _part(piece: Piece, ink: Grey) -> Piece:
    if ink.max() <= 0.1:  # what was read there is not: better a box too large than a digit less
        return piece
    ink, x, y = crop(ink)
    left, top = piece.box[0] + x, piece.box[1] + y
    return Piece(ink, (left, top, left + ink.shape[1], top + ink.shape[0]))


def _add_loose(shares: list[Share], piece: Piece, height: float) -> None:
    """Give a piece that no digit stands in to the one it is near to; a tall one is a share of its own otherwise."""
    is_tall = piece.height >= TALL * height
    nearest = min(shares, key=lambda share: gap_between(share.box, piece.box), default=None)
    if nearest is not None and gap_between(nearest.box, piece.box) <= (TALL_PART if is_tall else PART) * height:
        nearest.pieces.append(piece)
    elif is_tall:
        shares.append(Share(None, [piece]))
