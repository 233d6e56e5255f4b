"""Normalises any picture of a digit to MNIST's format (mnist_format.py)."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from models.arrays import Floats
from models.pictures.boxes import Box, size_of
from models.pictures.centring import centre
from models.pictures.components import MIN_INK, find_boxes
from models.pictures.decoding import Decoded, decode
from models.pictures.digit_selection import Digit, cut_out, select_digit
from models.pictures.evidence import Evidence, Hypothesis
from models.pictures.eye import Eye, Sight
from models.pictures.mnist_format import Normalised, as_mnist
from models.pictures.opening import Size
from models.pictures.rejection import RejectionReason
from models.pictures.view import FAR_SIDE, NEAR_SIDE

MAX_UNREDUCED_SIDE = 480  # pixels: larger pictures are reduced first, for the extremes of a view come from many pixels
OVERVIEW_SIDE = 320  # pixels, to which these are reduced
SEARCH_SIDE = 256  # pixels of a view in which a digit is searched that the first one did not show
MIN_VIEWED_DIGIT = 36  # pixels of the view: a smaller digit is cut out of the larger picture, and viewed again
MARGIN = 0.3  # of the digit's longer side, around it in the nearer view
MIN_DIGIT_SIDE = 7  # pixels of the original: smaller ink shows no strokes
MAX_DOT_SIDE = 0.15  # of the picture's longer side
MIN_SURE_MARK = 0.65  # probability: a sheet of which no pixel is a mark as likely as this is blank
MAX_DOTS = 5  # more small marks than these are a pattern
MAX_EXTENT = 0.7  # the share of a digit's box that is ink; of a dot's it is 0.79


class _Found(NamedTuple):
    """What was found in a view of a picture, or of a part of it."""

    digit: Digit | None
    sight: Sight
    scale: float  # pixels of the view for one of the picture
    origin: tuple[int, int]  # left and top of the part

    def to_original(self, box: Box, reduction: float, size: Size) -> Box:
        """A box of the view in pixels of the original, of this size: the picture has `reduction` pixels for one."""
        left, top, right, bottom = (
            (edge / self.scale + self.origin[index % 2]) / reduction for index, edge in enumerate(box)
        )
        return int(left), int(top), min(int(np.ceil(right)), size[0]), min(int(np.ceil(bottom)), size[1])


def normalise(picture: Image.Image | Decoded, eye: Eye) -> Normalised:
    """Decode the picture and bring its digit to MNIST's format. Raises PictureRefused if the picture is damaged."""
    upright, reduction, size = decode(picture)
    if upright.size == (28, 28) and upright.mode == "L":
        negative = as_mnist(ImageOps.invert(upright))
        ready = replace(negative, is_inverted=True) if negative else as_mnist(upright)
        if ready:
            return ready
    overview = _reduce(upright)
    seen = _look(overview, eye, FAR_SIDE if max(overview.size) > FAR_SIDE else NEAR_SIDE, upright.size)
    if seen.digit is None and max(overview.size) > SEARCH_SIDE:  # it may be too small for this view
        seen = _look(overview, eye, SEARCH_SIDE, upright.size)
    overview_scale = max(overview.size) / max(upright.size) * reduction
    if seen.digit is None:
        evidence = Evidence(overview, overview_scale, None, [])
        blank = np.zeros((28, 28), np.uint8)
        return Normalised(blank, False, None, 1.0, (0, 0), 0.0, _judge_marks(seen.sight), evidence)
    hypotheses = [
        Hypothesis(seen.to_original(group.box, reduction, size), group.share, group.is_member)
        for group in seen.digit.groups
    ]
    found = _look_closer(upright, eye, seen, seen.digit)
    digit = found.digit or seen.digit
    box = found.to_original(digit.box, reduction, size)
    ink = cut_out(digit, found.sight.ink, found.sight.colours)
    image, digit_scale, shift = centre(ink)
    return Normalised(
        image=image,
        is_inverted=_is_dark(ink, digit.box, found.sight),
        box=box,
        scale=digit_scale * found.scale * reduction,
        shift=shift,
        ink_share=int(np.count_nonzero(image)) / image.size,
        rejection_reason=_judge_shape(seen.digit, box, np.maximum(ink, _inside(digit.box, found.sight.marks)), size),
        evidence=Evidence(overview, overview_scale, ink, hypotheses),
    )


def _look(reduced: Image.Image, eye: Eye, side: int, size: Size, origin: tuple[int, int] = (0, 0)) -> _Found:
    """Look at a picture, or a part of one, of this size, which is reduced already."""
    sight = eye.look(reduced, side)
    return _Found(select_digit(sight.ink), sight, side / max(size), origin)


def _look_closer(picture: Image.Image, eye: Eye, seen: _Found, digit: Digit) -> _Found:
    """Look again at the surroundings of a digit that is small in the first view; the same if it is not."""
    if max(size_of(digit.box)) >= MIN_VIEWED_DIGIT:
        return seen
    left, top, right, bottom = seen.to_original(digit.box, 1.0, picture.size)
    margin = round(MARGIN * max(right - left, bottom - top))
    origin = (max(0, left - margin), max(0, top - margin))
    part = picture.crop((*origin, min(picture.width, right + margin), min(picture.height, bottom + margin)))
    near = _look(_reduce(part), eye, NEAR_SIDE, part.size, origin)
    return near if near.digit else seen


def _reduce(picture: Image.Image) -> Image.Image:
    longest = max(picture.size)
    if longest <= MAX_UNREDUCED_SIDE:
        return picture
    width, height = (max(1, round(side * OVERVIEW_SIDE / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _is_dark(ink: Floats, box: Box, sight: Sight) -> bool:
    """Whether the ink in the box is darker than what lies around it."""
    left, top, right, bottom = box
    grey, around = sight.colours[:, top:bottom, left:right].mean(axis=0), 1 - ink
    return bool((grey * ink).sum() / ink.sum() < (grey * around).sum() / max(1e-6, float(around.sum())))


def _inside(box: Box, plane: Floats) -> Floats:
    left, top, right, bottom = box
    return plane[top:bottom, left:right]


def _judge_shape(digit: Digit, box: Box, ink: Floats, size: Size) -> RejectionReason | None:
    """Why the ink and marks in the box, in a picture of this size, are not those of one digit.

    The middle of a dot may be a mark, and its edge ink.
    """
    longest, shortest = max(size_of(box)), min(size_of(box))
    is_small_dot = longest <= MAX_DOT_SIDE * max(size) and longest < 2 * shortest and _extent(ink) > MAX_EXTENT
    if longest < MIN_DIGIT_SIDE or is_small_dot:
        return "too_small"
    return "not_a_digit" if digit.others else None  # several digits, or writing


def _extent(ink: Floats) -> float:
    """The share of the ink's tight box that is ink."""
    is_ink = ink > MIN_INK
    boxes = find_boxes(is_ink.astype(np.int32))
    return float(is_ink.sum() / np.prod(boxes[0, 2:] - boxes[0, :2])) if len(boxes) else 0.0


def _judge_marks(sight: Sight) -> RejectionReason:
    """Why there is no digit: no mark at all, a dot, or other marks."""
    if sight.marks.max() < MIN_SURE_MARK:
        return "blank"
    boxes = find_boxes(ndimage.label(sight.marks > MIN_INK)[0])
    longest = (boxes[:, 2:] - boxes[:, :2]).max()
    is_dot = len(boxes) <= MAX_DOTS and longest <= MAX_DOT_SIDE * max(sight.marks.shape)
    return "too_small" if is_dot else "not_a_digit"
