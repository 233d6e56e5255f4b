"""Pictures that are as MNIST was made already, and need nothing done to them."""

import numpy as np
from PIL import Image

from models.pictures.decoding import DECODER_ERRORS
from models.pictures.normalised import Normalised

SIDE = 28
LONGEST_INK = (19, 20)  # pixels of the digit's longer side: 20 in all but 3 of MNIST's 10,000 test pictures
CENTRE = (13.5, 15)  # of its mass, in pixels from the upper left: 14 to 15 in all of them, 13.5 to 14.5 by `normalise`
MOMENTS = np.stack([np.ones(SIDE), np.arange(SIDE) + 0.5]).astype(np.float32)


def take_as_it_is(picture: Image.Image) -> Normalised | None:
    """The picture, unchanged, if it is grey 28x28 with a digit where and as large as MNIST has it; None otherwise."""
    if picture.size != (SIDE, SIDE) or picture.mode != "L" or "transparency" in picture.info or "exif" in picture.info:
        return None
    try:
        picture.load()
    except DECODER_ERRORS:
        return None  # `normalise` says what is wrong with it
    box = picture.getbbox()
    if box is None or not LONGEST_INK[0] <= max(box[2] - box[0], box[3] - box[1]) <= LONGEST_INK[1]:
        return None  # a light ground reaches to all four edges
    field = np.frombuffer(picture.tobytes(), np.uint8).reshape(SIDE, SIDE)
    (mass, x), (y, _) = (MOMENTS @ field.astype(np.float32) @ MOMENTS.T).tolist()
    if not all(CENTRE[0] <= moment / mass <= CENTRE[1] for moment in (x, y)):
        return None
    return Normalised(field, False, box, 1.0, (0, 0), int(np.count_nonzero(field)) / field.size)
