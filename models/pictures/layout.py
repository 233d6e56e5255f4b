"""A page of writing: its connected pieces of ink, line by line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.errors import PictureRefused
from models.pictures.background import find_ink
from models.pictures.components import FAINTEST, FIRM, LONG, NEIGHBOURS, STRONGEST
from models.pictures.decoding import Grey, to_grey
from models.pictures.normalised import Box, gap_between
from models.pictures.ruling import without_lines

SMALLEST = 7  # pixels: ink whose tallest part is lower shows no digits
WORKING_HEIGHT = 48  # pixels: larger writing is reduced to it
TALL = 0.5  # of the tallest: what counts as about as tall as a digit
BESIDE = 0.4  # of its height: so much of a piece stands beside the line that it is of
SPECK = 0.2  # of a digit's height: what is smaller both ways is dust
MOST_PIECES = 300
MOST_FRAMES = 50
FRAMED = 0.25  # of a frame's height: what is lower in it may be a fleck in a 0


@dataclass(frozen=True)
class Piece:
    """Ink, 0..1, cut out of the page, and where it stood in the working picture."""

    ink: Grey
    box: Box

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]


@dataclass(frozen=True)
class Line:
    """The pieces of a line of writing, and about how tall its digits are."""

    pieces: list[Piece]
    height: float


@dataclass(frozen=True)
class Page:
    """Lines from top to bottom; `scale` is that of the working picture, whose pixels the boxes count."""

    lines: list[Line]
    inverted: bool
    scale: float


def find_page(picture: Image.Image) -> Page:
    """The lines of an upright picture, mode L or RGB. Raises PictureRefused where there is far too much on it."""
    ink = find_ink(to_grey(picture))
    strength = ndimage.uniform_filter(ink.strength, 3) if ink.noise > 2 else ink.strength
    least = max(FAINTEST, 4 * ink.noise)
    level = max(least, FIRM * _strongest(strength))
    strength = _without_ruling(strength, least, level)
    boxes = _boxes(ndimage.label(strength > level, NEIGHBOURS)[0])
    height = _digit_height(boxes[~_is_frame(boxes)])
    if height < SMALLEST:
        return Page([], ink.inverted, 1.0)
    scale = 1.0
    if height > WORKING_HEIGHT:
        scale = WORKING_HEIGHT / height
        size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
        strength = np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BOX))
        level = max(least, FIRM * _strongest(strength))
    pieces = _pieces(strength, level)
    lines = sorted(_into_lines(pieces), key=lambda line: min(piece.box[1] for piece in line))
    return Page([Line(line, _height_of(line)) for line in lines], ink.inverted, scale)


def _strongest(strength: Grey) -> float:
    counts = np.bincount(strength.ravel().astype(np.uint8), minlength=256)
    return 255.0 - int((counts[::-1].cumsum() >= min(STRONGEST, strength.size)).argmax())


def _without_ruling(strength: Grey, least: float, level: float) -> Grey:
    """The ink without the lines of ruled paper, where something reaches from the edge across most of the page."""
    labels, count = ndimage.label(strength > least, NEIGHBOURS)
    if not count:
        return strength
    height, width = strength.shape
    left, top, right, bottom = _boxes(labels).T
    is_long = (right - left > LONG * width) | (bottom - top > LONG * height)
    at_edge = (left <= 0) | (top <= 0) | (right >= width) | (bottom >= height)
    return without_lines(strength, least, level / FIRM) if (is_long & at_edge).any() else strength


def _boxes(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    found = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)]
    return np.array(found, np.int64).reshape(-1, 4)


def _is_frame(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes have others in them that are themselves of some size: a frame around a number is none of its digits.

    Only the largest are looked at: there are no more frames than that, and noise has thousands of boxes.
    """
    found = np.zeros(len(boxes), bool)
    heights = boxes[:, 3] - boxes[:, 1]
    for index in np.argsort(-heights, kind="stable")[:MOST_FRAMES]:
        left, top, right, bottom = boxes[index]
        is_inside = (boxes[:, 0] > left) & (boxes[:, 1] > top) & (boxes[:, 2] < right) & (boxes[:, 3] < bottom)
        found[index] = np.count_nonzero(is_inside & (heights > FRAMED * heights[index])) >= 2
    return found


def _digit_height(boxes: NDArray[np.int64]) -> float:
    """The usual height of what is about as tall as the tallest."""
    heights = boxes[:, 3] - boxes[:, 1]
    return float(np.median(heights[heights >= TALL * heights.max()])) if len(boxes) else 0.0


def _height_of(pieces: list[Piece]) -> float:
    return _digit_height(np.array([piece.box for piece in pieces]))


def _pieces(strength: Grey, level: float) -> list[Piece]:
    """The connected pieces of ink that are more than dust, each with its own ink alone."""
    labels, _ = ndimage.label(strength > level, NEIGHBOURS)
    boxes = _boxes(labels)
    sides, is_frame = (boxes[:, 2:] - boxes[:, :2]).max(axis=1), _is_frame(boxes)
    kept = np.flatnonzero((sides >= SPECK * _digit_height(boxes[~is_frame])) & ~is_frame)
    if len(kept) > MOST_PIECES:
        raise PictureRefused(
            f"The picture holds {len(kept)} pieces of ink, more than {MOST_PIECES}: it is no page of digits, or too "
            "large a one. Send a part of it."
        )
    return [_cut_out(strength, labels, int(number) + 1, boxes[number]) for number in kept]


def _cut_out(strength: Grey, labels: NDArray[np.int32], number: int, box: NDArray[np.int64]) -> Piece:
    left, top = (max(0, int(edge) - 1) for edge in box[:2])  # with the soft edge around it
    right, bottom = (int(edge) + 1 for edge in box[2:])
    place = (slice(top, bottom), slice(left, right))
    own = labels[place] == number
    around = ndimage.binary_dilation(own, NEIGHBOURS) & ((labels[place] == 0) | own)
    levels = np.where(around, strength[place], 0)
    full = float(np.percentile(levels[own], 75))
    ink = np.clip(levels / full, 0, 1).astype(np.float32)
    return Piece(ink, (left, top, left + ink.shape[1], top + ink.shape[0]))


def _into_lines(pieces: list[Piece]) -> list[list[Piece]]:
    """From left to right every tall piece joins the line whose last piece it stands beside; small ones the nearest."""
    if not pieces:
        return []
    tall_enough = TALL * _height_of(pieces)
    lines: list[list[Piece]] = []
    small: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.box[0]):
        if piece.height < tall_enough:
            small.append(piece)
            continue
        stand = [max(_beside(other.box, piece.box) for other in line[-2:]) for line in lines]  # one may be half a digit
        if stand and max(stand) > BESIDE:
            lines[int(np.argmax(stand))].append(piece)
        else:
            lines.append([piece])
    talls = [(piece, number) for number, line in enumerate(lines) for piece in line]
    for piece in small:
        nearest, number = min(talls, key=lambda each: gap_between(each[0].box, piece.box))
        if gap_between(nearest.box, piece.box) <= tall_enough:
            lines[number].append(piece)
    return lines


def _beside(one: Box, other: Box) -> float:
    """The share of the lower one's height at which both stand."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / min(one[3] - one[1], other[3] - other[1])
