"""Normalises any picture of a digit to MNIST's format (mnist_format.py)."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from models.pictures.background import Foreground, subtract_background
from models.pictures.boxes import Box, size_of
from models.pictures.centring import centre
from models.pictures.decoding import Decoded, decode, to_grey
from models.pictures.digit_selection import Digit, select_digit
from models.pictures.mnist_format import Normalised, as_mnist
from models.pictures.rejection import RejectionReason

OVERVIEW_SIDE = 320  # pixels: larger pictures are reduced to it
MIN_OVERVIEW_DIGIT = 60  # pixels: a smaller digit is cut out of the larger picture
MIN_DIGIT_SIDE = 7  # pixels of the original: smaller ink shows no strokes
MAX_EXTENT = 0.7  # the share of a digit's box that is ink; of a dot's it is 0.79


def normalise(picture: Image.Image | Decoded) -> Normalised:
    """Decode the picture and bring its digit to MNIST's format. Raises PictureRefused if the picture is damaged."""
    upright, reduction, _ = decode(picture)
    if upright.size == (28, 28) and upright.mode == "L":
        negative = as_mnist(ImageOps.invert(upright))
        ready = replace(negative, is_inverted=True) if negative else as_mnist(upright)
        if ready:
            return ready
    foreground, digit, factor, origin = _find_digit(upright)
    if digit is None:
        return Normalised(np.zeros((28, 28), np.uint8), foreground.is_inverted, None, 1.0, (0, 0), 0.0, "blank")
    image, scale, shift = centre(digit.ink)
    left, top, right, bottom = (edge / factor + origin[index % 2] for index, edge in enumerate(digit.box))
    box = (
        int(left / reduction),
        int(top / reduction),
        int(np.ceil(right / reduction)),
        int(np.ceil(bottom / reduction)),
    )
    ink_share = int(np.count_nonzero(image)) / image.size
    reason = _judge_shape(digit, box)
    return Normalised(image, foreground.is_inverted, box, scale * factor * reduction, shift, ink_share, reason)


def _judge_shape(digit: Digit, box: Box) -> RejectionReason | None:
    """Why the shape of the ink is not that of one digit."""
    width, height = size_of(box)
    if max(width, height) < MIN_DIGIT_SIDE or (
        digit.extent > MAX_EXTENT and max(width, height) < 2 * min(width, height)
    ):
        return "too_small"  # or a dot of any size
    return "not_a_digit" if digit.others else None  # several digits, or writing


def _find_digit(upright: Image.Image) -> tuple[Foreground, Digit | None, float, tuple[int, int]]:
    """Find the digit in the overview, and again in the larger picture around it if it is small there.

    The scale and the origin (left, top) are those of the part in which it was found.
    """
    foreground, digit, factor = _find_in_overview(upright)
    if digit is None or factor == 1 or max(size_of(digit.box)) >= MIN_OVERVIEW_DIGIT:
        return foreground, digit, factor, (0, 0)
    left, top, right, bottom = (round(edge / factor) for edge in digit.box)
    padding = max(right - left, bottom - top)
    origin = (max(0, left - padding), max(0, top - padding))
    part = upright.crop((*origin, min(upright.width, right + padding), min(upright.height, bottom + padding)))
    near_foreground, near_digit, near_factor = _find_in_overview(part)
    if near_digit is None:
        return foreground, digit, factor, (0, 0)
    return near_foreground, near_digit, near_factor, origin


def _find_in_overview(picture: Image.Image) -> tuple[Foreground, Digit | None, float]:
    """Reduce the picture to the overview's size and find its digit; also returns the scale."""
    longest = max(picture.size)
    if longest > OVERVIEW_SIDE:
        scale = OVERVIEW_SIDE / longest
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    foreground = subtract_background(to_grey(picture))
    return foreground, select_digit(foreground), max(picture.size) / longest
