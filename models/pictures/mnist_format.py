"""A picture in MNIST's format, and the check whether a picture is in that format already.

MNIST (LeCun et al. 1998): 28x28 pixels, bright ink on dark, the digit's longer side 20 pixels, its centre of mass in
the middle of the picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.pictures.boxes import Box
from models.pictures.evidence import Evidence
from models.pictures.opening import DECODER_ERRORS
from models.pictures.rejection import RejectionReason

SIDE = 28
INK_SIDE = (19, 20)  # pixels of the digit's longer side: 20 in all but 3 of MNIST's 10,000 test pictures
CENTRE = (13.5, 15)  # of mass, in pixels from the upper left: 14 to 15 in all of them, 13.5 to 14.5 after `normalise`
CHUNK = 1000  # pictures that are examined at once: 3 MB of numbers
MOMENTS = np.stack([np.ones(SIDE), np.arange(SIDE) + 0.5]).astype(np.float32)  # of order 0 and 1


@dataclass(frozen=True)
class Normalised:
    """A picture in MNIST's format, and how it was made from the original."""

    image: NDArray[np.uint8]  # (28, 28), 0..255
    is_inverted: bool  # the original has dark ink on a light background
    box: Box | None  # of the ink, in pixels of the upright original; None if there is no ink
    scale: float  # pixels of `image` for one of the original
    shift: tuple[int, int]  # x, y: from the position where the box is centred to where its centre of mass is
    ink_share: float  # of the 28x28 pixels, 0..1
    rejection_reason: RejectionReason | None = None  # by the shape of the ink; None if this may be a digit
    evidence: Evidence | None = None  # None if the picture was in this format already


def as_mnist(picture: Image.Image) -> Normalised | None:
    """The picture, unchanged, if it is in MNIST's format; None otherwise, and for a damaged picture."""
    if picture.size != (SIDE, SIDE) or picture.mode != "L" or "transparency" in picture.info or "exif" in picture.info:
        return None
    try:
        picture.load()
    except DECODER_ERRORS:
        return None  # `normalise` raises PictureRefused for it
    box = picture.getbbox()
    if box is None or not INK_SIDE[0] <= max(box[2] - box[0], box[3] - box[1]) <= INK_SIDE[1]:
        return None  # the box of a light background has a side of 28
    image = np.frombuffer(picture.tobytes(), np.uint8).reshape(SIDE, SIDE)
    (mass, x), (y, _) = (MOMENTS @ image.astype(np.float32) @ MOMENTS.T).tolist()
    if not all(CENTRE[0] <= moment / mass <= CENTRE[1] for moment in (x, y)):
        return None
    return Normalised(image, False, box, 1.0, (0, 0), int(np.count_nonzero(image)) / image.size)


def find_mnist(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the pictures (count, 28, 28) are in MNIST's format, by the rule of `as_mnist`."""
    found = [_find_mnist(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)]
    return np.concatenate(found) if found else np.zeros(0, np.bool_)


def _find_mnist(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    has_ink = images > 0
    sides = [_extents(np.any(has_ink, axis=axis)) for axis in (1, 2)]
    longest = np.maximum(*sides)
    is_ready: NDArray[np.bool_] = (longest >= INK_SIDE[0]) & (longest <= INK_SIDE[1])
    moments = MOMENTS @ images.astype(np.float32) @ MOMENTS.T  # (count, 2, 2)
    mass = np.maximum(moments[:, 0, 0], 1)  # 1 for a blank picture, which has no box of that size
    for moment in (moments[:, 0, 1], moments[:, 1, 0]):
        is_ready &= (moment / mass >= CENTRE[0]) & (moment / mass <= CENTRE[1])
    return is_ready


def _extents(is_inked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The distance from the first to the last True in each row (count, 28), both included; 0 where there is none."""
    first, last = is_inked.argmax(axis=1), SIDE - is_inked[:, ::-1].argmax(axis=1)
    return np.where(is_inked.any(axis=1), last - first, 0)
