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
DETAIL_SHARE = 0.99  # of the detail: the rest, such as a table's edge, is clipped
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # weights of red, green and blue (ITU-R BT.601)


class View(NamedTuple):
    """A picture as the eye sees it."""

    pixels: Floats  # (6, height, width), -1..1: its colours, its extremes around the grey nearby; 0 beside it
    colours: Floats  # (1 or 3, height, width), -1..1 around its median: grey, or red, green and blue


def draw_view(picture: Image.Image, side: int, *, is_square: bool = True) -> View:
    """Scale a picture in mode L or RGB so that its longer side has `side` pixels."""
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    levels = np.atleast_3d(np.asarray(picture.resize((width, height), method)))
    planes = np.ascontiguousarray(levels.transpose(2, 0, 1))  # 1 or 3
    grey = np.tensordot(LUMINANCE, planes, 1) if len(planes) == 3 else planes[0].astype(np.float32)
    low, high = _extremes(np.asarray(picture.convert("L")), grey) if scale < 1 else (grey, grey)
    nearby = ndimage.uniform_filter(grey, max(3, round(NEIGHBOURHOOD * side)), mode="nearest")
    darker, lighter = low - nearby, high - nearby
    detail = max(MIN_RANGE, float(_quantile(np.maximum(-darker, lighter).ravel(), DETAIL_SHARE)))
    median = _quantile(planes.reshape(len(planes), -1), 0.5)
    colours = planes - median.astype(np.float32)[:, None, None]
    colours /= max(MIN_RANGE, float(np.abs(colours).max()))
    rows, columns = (side, side) if is_square else (-(-length // MULTIPLE) * MULTIPLE for length in (height, width))
    pixels = np.zeros((CHANNELS, rows, columns), np.float32)
    inside = pixels[:, :height, :width]
    inside[:3], inside[5] = colours, 1
    inside[3], inside[4] = np.clip(darker / detail, -1, 1), np.clip(lighter / detail, -1, 1)
    return View(pixels, colours)


def _extremes(full: NDArray[np.uint8], grey: Floats) -> tuple[Floats, Floats]:
    """The lowest and the highest level of `full` in the area of each pixel of `grey`, to which it was reduced."""
    low = high = full
    for count in grey.shape:  # of rows, then of columns
        height = -(-len(low) // count)  # of an area, rounded up
        first = np.minimum(np.arange(count) * len(low) // count, len(low) - height)
        rows = first + np.arange(height)[:, None]
        low, high = low[rows].min(axis=0).T, high[rows].max(axis=0).T
    return np.minimum(low, grey), np.maximum(high, grey)


def _quantile(levels: NDArray[np.generic], share: float) -> NDArray[np.float64]:
    """What this share of the last axis is at most, as np.quantile has it, in a third of its time."""
    place = share * (levels.shape[-1] - 1)
    lower, upper = int(place), min(int(place) + 1, levels.shape[-1] - 1)
    ordered = np.partition(levels, (lower, upper))
    low, high = ordered[..., lower], ordered[..., upper]
    quantile: NDArray[np.float64] = low + (high - low) * (place - lower)
    return quantile
