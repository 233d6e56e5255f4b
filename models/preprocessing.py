"""Any picture of a digit to 28x28 as MNIST was made.

MNIST (LeCun et al. 1998): the ink's longer side is scaled to 20 pixels, aspect and grey levels kept, and the centre of
mass is put at the centre of a 28x28 field, bright ink on dark. The steps are in models/pictures/.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.pictures.centring import centre
from models.pictures.decoding import decode, to_grey
from models.pictures.decoding import read_picture as read_picture
from models.pictures.ground import Ink, find_ink
from models.pictures.pieces import Box, Digit, pick_digit

OVERVIEW_SIDE = 320  # larger pictures are reduced first
SMALL_DIGIT = 60  # pixels: a digit that is shorter in the overview is looked at again in the larger picture

SMALLEST = 7  # pixels: what is smaller shows no strokes
SOLID = 0.7  # of its box: a digit leaves more free, a dot covers 0.79


@dataclass(frozen=True)
class Normalised:
    """The 28x28 picture, uint8, and how it was made. `box` is (left, top, right, bottom) of the ink, in pixels
    of the upright original; None where there is no ink.
    """

    image: NDArray[np.uint8]  # (28, 28)
    inverted: bool
    box: Box | None
    scale: float
    shift: tuple[int, int]
    ink: float  # the share of the 28x28 field's pixels that carry ink, 0..1
    doubt: str | None = None  # why this can be no digit: `blank`, `too_small` or `not_a_digit`

    @property
    def is_blank(self) -> bool:
        return self.box is None


def normalise(picture: Image.Image) -> Normalised:
    """Decode the picture and bring its digit to MNIST's form. Raises PictureRefused if it is damaged."""
    upright, reduction = decode(picture)
    if upright.size == (28, 28):
        ready = _as_it_is(np.asarray(upright.convert("L")))
        if ready is not None:
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
    share = np.count_nonzero(field) / field.size
    doubt = _doubt(digit, box)
    return Normalised(field, ink.inverted, box, scale * factor * reduction, shift, share, doubt)


def _doubt(digit: Digit, box: Box) -> str | None:
    """What its form says against a digit."""
    width, height = _size(box)
    if max(width, height) < SMALLEST or (digit.filling > SOLID and max(width, height) < 2 * min(width, height)):
        return "too_small"  # a speck, or a dot of any size
    return "not_a_digit" if digit.others else None  # several digits, or writing


def _as_it_is(grey: NDArray[np.uint8]) -> Normalised | None:
    """A picture that has MNIST's form already, or its negative; None where it has not."""
    inverted = bool(grey[0, 0] > 127)
    image = 255 - grey if inverted else grey
    rows, columns = image.sum(axis=1, dtype=np.int32), image.sum(axis=0, dtype=np.int32)
    mass = int(rows.sum())
    inked_rows, inked_columns = np.flatnonzero(rows), np.flatnonzero(columns)
    if not mass or rows[0] or rows[27] or columns[0] or columns[27]:
        return None
    top, bottom, left, right = inked_rows[0], inked_rows[-1] + 1, inked_columns[0], inked_columns[-1] + 1
    x, y = float(columns @ _PLACES) / mass, float(rows @ _PLACES) / mass
    is_centred = abs(x - 13.5) <= 1.5 and abs(y - 13.5) <= 1.5
    if not is_centred or not 18 <= max(bottom - top, right - left) <= 21:
        return None
    box = (int(left), int(top), int(right), int(bottom))
    shift = (round(x - 13.5), round(y - 13.5))
    return Normalised(image, inverted, box, 1.0, shift, np.count_nonzero(image) / image.size)


_PLACES = np.arange(28)


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
