"""Any picture of a digit to 28x28 as MNIST was made.

MNIST (LeCun et al. 1998): the ink's longer side is scaled to 20 pixels, aspect and grey levels kept, and the centre of
mass is put at the centre of a 28x28 field, bright ink on dark. The steps are in models/pictures/.
"""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from models.pictures.background import Ink, find_ink
from models.pictures.centring import centre
from models.pictures.components import Digit, pick_digit
from models.pictures.decoding import decode, to_grey
from models.pictures.decoding import read_picture as read_picture
from models.pictures.mnist_format import take_as_it_is
from models.pictures.normalised import Box
from models.pictures.normalised import Normalised as Normalised

OVERVIEW_SIDE = 320  # larger pictures are reduced first
SMALL_DIGIT = 60  # pixels: a digit that is shorter in the overview is looked at again in the larger picture

SMALLEST = 7  # pixels: what is smaller shows no strokes
SOLID = 0.7  # of its box: a digit leaves more free, a dot covers 0.79


def normalise(picture: Image.Image) -> Normalised:
    """Decode the picture and bring its digit to MNIST's form. Raises PictureRefused if it is damaged."""
    upright, reduction = decode(picture)
    if upright.size == (28, 28) and upright.mode == "L":
        negative = take_as_it_is(ImageOps.invert(upright))
        ready = replace(negative, inverted=True) if negative else take_as_it_is(upright)
        if ready:
            return ready
    ink, digit, factor, place = _look(upright)
    if digit is None:
        return Normalised(np.zeros((28, 28), np.uint8), ink.inverted, None, 1.0, (0, 0), 0.0, "blank")
    field, scale, shift = centre(digit.ink)
    left, top, right, bottom = (edge / factor + place[number % 2] for number, edge in enumerate(digit.box))
    box = (
        int(left / reduction),
        int(top / reduction),
        int(np.ceil(right / reduction)),
        int(np.ceil(bottom / reduction)),
    )
    share = int(np.count_nonzero(field)) / field.size
    doubt = _doubt(digit, box)
    return Normalised(field, ink.inverted, box, scale * factor * reduction, shift, share, doubt)


def _doubt(digit: Digit, box: Box) -> str | None:
    """What its form says against a digit."""
    width, height = _size(box)
    if max(width, height) < SMALLEST or (digit.filling > SOLID and max(width, height) < 2 * min(width, height)):
        return "too_small"  # a speck, or a dot of any size
    return "not_a_digit" if digit.others else None  # several digits, or writing


def _look(upright: Image.Image) -> tuple[Ink, Digit | None, float, tuple[int, int]]:
    """The digit in a picture of up to 1024 pixels, with the scale and the place of the part that was looked at."""
    ink, digit, factor = _look_once(upright)
    if digit is None or factor == 1 or max(_size(digit.box)) >= SMALL_DIGIT:
        return ink, digit, factor, (0, 0)
    left, top, right, bottom = (round(edge / factor) for edge in digit.box)
    margin = max(right - left, bottom - top)
    place = (max(0, left - margin), max(0, top - margin))
    closer = upright.crop((*place, min(upright.width, right + margin), min(upright.height, bottom + margin)))
    near_ink, near_digit, near_factor = _look_once(closer)
    if near_digit is None:
        return ink, digit, factor, (0, 0)
    return near_ink, near_digit, near_factor, place


def _look_once(picture: Image.Image) -> tuple[Ink, Digit | None, float]:
    longest = max(picture.size)
    if longest > OVERVIEW_SIDE:
        scale = OVERVIEW_SIDE / longest
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    ink = find_ink(to_grey(picture))
    return ink, pick_digit(ink), max(picture.size) / longest


def _size(box: Box) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]
