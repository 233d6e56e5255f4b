"""What the eye sees of a picture (eye.py): small, in colour, with the extremes that averaging would hide."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.arrays import Floats

FAR_SIDE, NEAR_SIDE = 96, 64  # pixels of the view of a whole picture, and of a small picture or a part
CHANNELS = 6  # red, green, blue; the darkest and the lightest grey of each pixel's area; 1 inside the picture
MULTIPLE = 16  # the eye halves a view four times
MIN_RANGE = 16.0  # of 255: contrast below it is not amplified further, since it is noise
NEIGHBOURHOOD = 0.15  # of the longer side, around a pixel: what differs from it is detail, whatever the light
DETAIL_PERCENTILE = 99.0  # of the detail: the rest, such as a table's edge, is clipped
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # weights of red, green and blue (ITU-R BT.601)


class View(NamedTuple):
    """A picture as the eye sees it."""

    pixels: Floats  # (6, height, width), -1..1: colours around the picture's median, extremes around the grey nearby
    size: tuple[int, int]  # width and height of the part that the picture takes, from the upper left corner


def draw_view(picture: Image.Image, side: int, *, is_square: bool = True) -> View:
    """Scale a picture in mode RGB so that its longer side has `side` pixels."""
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    colours = np.asarray(picture.resize((width, height), method), np.float32)
    grey = colours @ LUMINANCE
    low, high = _extremes(np.asarray(picture.convert("L")), grey) if scale < 1 else (grey, grey)
    median = np.median(colours.reshape(-1, 3), axis=0)
    nearby = ndimage.uniform_filter(grey, max(3, round(NEIGHBOURHOOD * side)), mode="nearest")
    darker, lighter = low - nearby, high - nearby
    reach = max(MIN_RANGE, float(np.abs(colours - median).max()))
    detail = max(MIN_RANGE, float(np.percentile(np.maximum(-darker, lighter), DETAIL_PERCENTILE)))
    rows, columns = (side, side) if is_square else (-(-length // MULTIPLE) * MULTIPLE for length in (height, width))
    pixels = np.zeros((CHANNELS, rows, columns), np.float32)
    inside = pixels[:, :height, :width]
    inside[:3] = ((colours - median) / np.float32(reach)).transpose(2, 0, 1)
    inside[3], inside[4], inside[5] = np.clip(darker / detail, -1, 1), np.clip(lighter / detail, -1, 1), 1
    return View(pixels, (width, height))


def _extremes(full: NDArray[np.uint8], grey: Floats) -> tuple[Floats, Floats]:
    """The lowest and the highest level of `full` in the area of each pixel of `grey`, to which it was reduced."""
    low, high = (
        _reduce_rows(_reduce_rows(full, grey.shape[0], extreme).T, grey.shape[1], extreme).T
        for extreme in (np.minimum, np.maximum)
    )
    return np.minimum(low, grey), np.maximum(high, grey)


def _reduce_rows(levels: NDArray[np.uint8], count: int, extreme: np.ufunc) -> NDArray[np.uint8]:
    """`count` rows, each the extreme of those that it stands for."""
    height = -(-len(levels) // count)
    first = np.minimum(np.arange(count) * len(levels) // count, len(levels) - height)
    reduced: NDArray[np.uint8] = levels[first]
    for row in range(1, height):
        reduced = extreme(reduced, levels[first + row])
    return reduced
