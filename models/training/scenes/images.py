"""Between Pillow's images and arrays."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def to_floats(image: Image.Image) -> NDArray[np.float32]:
    """The levels of an image in mode L or RGB as float32 in 0..1."""
    return np.asarray(image, np.float32) * np.float32(1 / 255)


def to_bytes(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture, or ink, as uint8 in 0..255."""
    return (np.clip(levels, 0, 1) * 255 + 0.5).astype(np.uint8)
