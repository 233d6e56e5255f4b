"""Any picture of a digit to 28x28 as MNIST was made.

MNIST (LeCun et al. 1998): the ink's longer side is scaled to 20 pixels, aspect and grey levels kept, and the centre of
mass is put at the centre of a 28x28 field, bright ink on dark.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.pictures.centring import centre
from models.pictures.decoding import Grey, decode, to_grey
from models.pictures.decoding import read_picture as read_picture
from models.pictures.ground import find_ink
from models.pictures.pieces import Box, Digit, pick_digit

OVERVIEW_SIDE = 384  # larger pictures are reduced first
SMALL_DIGIT = 48  # a digit that is shorter there is cut out of the larger picture and looked at again


@dataclass(frozen=True)
class Normalised:
    """The 28x28 picture, uint8, and how it was made. `box` is (left, top, right, bottom) of the ink, in pixels
    of the upright original; None where there is no ink.
    """

    image: NDArray[np.uint8]  # (28, 28)
    inverted: bool
    box: tuple[int, int, int, int] | None
    scale: float
    shift: tuple[int, int]
    ink: float  # the share of the 28x28 field's pixels that carry ink, 0..1
    others: int = 0  # further pieces of ink of about the digit's size

    @property
    def is_blank(self) -> bool:
        return self.box is None


def normalise(picture: Image.Image) -> Normalised:
    """Decode the picture and bring its digit to MNIST's form. Raises PictureRefused if it is damaged."""
    upright, reduction = decode(picture)
    overview = upright.copy()
    overview.thumbnail((OVERVIEW_SIDE, OVERVIEW_SIDE), Image.Resampling.BOX)
    factor = max(overview.size) / max(upright.size)
    ink = find_ink(to_grey(overview))
    digit = pick_digit(ink)
    if digit is None:
        return Normalised(np.zeros((28, 28), np.uint8), ink.inverted, None, 1.0, (0, 0), 0.0)
    field, scale, shift = centre(digit.ink)
    factor *= reduction
    left, top, right, bottom = digit.box
    box = (int(left / factor), int(top / factor), int(np.ceil(right / factor)), int(np.ceil(bottom / factor)))
    return Normalised(field, ink.inverted, box, scale * factor, shift, float((field > 0).mean()), digit.others)
