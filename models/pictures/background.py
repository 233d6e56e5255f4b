"""Subtracts the background: whether the ink is dark or light, and how strong it is under uneven light."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from models.arrays import Floats

THUMBNAIL_SIDE = 64  # pixels: enough to estimate the background in, because light changes slowly
WINDOW_SHARE = 0.3  # of the picture's shorter side: narrower structures are ink, broader ones are background
MIN_BACKGROUND = 40.0  # of 255: a ratio to a darker background says little
NOISE_STEP = 3  # the noise is estimated from every third row and column
MAX_PLAIN_RANGE = 6.0  # of 255, along the border: in drawings and scans the background has one level everywhere


@dataclass(frozen=True)
class Foreground:
    """A picture without its background."""

    strength: Floats  # (height, width): how much darker or lighter than the background each pixel is, 0..255
    is_inverted: bool  # dark ink on a light background
    noise: float  # the standard deviation of the background


def subtract_background(grey: Floats) -> Foreground:
    """Subtract the background from grey levels (height, width) in 0..255."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, level, high = np.percentile(border, (3, 50, 97))
    if high - low <= MAX_PLAIN_RANGE:
        is_inverted = bool(level > 127) if abs(level - 127) > 60 else bool(grey.mean() < level)
        strength = level - grey if is_inverted else grey - level
    else:
        is_inverted, background = _estimate_background(grey)
        ratio = 255 / np.maximum(background, MIN_BACKGROUND)
        strength = (background - grey) * ratio if is_inverted else grey - background
    sample = strength[::NOISE_STEP, ::NOISE_STEP]
    median = float(np.median(sample))
    noise = 1.4826 * float(np.median(np.abs(sample - median)))  # from the median absolute deviation
    strength -= median
    return Foreground(np.clip(strength, 0, 255, out=strength), is_inverted, noise)


def _estimate_background(grey: Floats) -> tuple[bool, Floats]:
    """Returns whether the background is the lighter part, and its level (height, width).

    A grey closing with the window removes dark ink from light paper; an opening removes light ink from a dark board.
    Where levels within a window differ there is ink nearby, and most pixels around ink are background.
    """
    height, width = grey.shape
    factor = max(1, round(max(grey.shape) / THUMBNAIL_SIDE))
    thumbnail = np.asarray(Image.fromarray(grey).reduce(factor))
    window = max(3, round(WINDOW_SHARE * min(thumbnail.shape)) | 1)
    padding = min(window, *(side - 1 for side in thumbnail.shape))
    inner = tuple(slice(padding, padding + side) for side in thumbnail.shape)
    padded = np.pad(thumbnail, padding, mode="reflect", reflect_type="odd")  # continues a gradient past the edge
    closed = ndimage.grey_closing(padded, (window, window))[inner]
    opened = ndimage.grey_opening(padded, (window, window))[inner]
    lowest = ndimage.minimum_filter(thumbnail, window)
    contrast = ndimage.maximum_filter(thumbnail, window) - lowest
    is_light = bool(((thumbnail - lowest) * contrast).sum() > 0.5 * (contrast * contrast).sum())
    background = ndimage.uniform_filter(closed if is_light else opened, 3, mode="nearest")
    enlarged = Image.fromarray(background).resize((width, height), Image.Resampling.BILINEAR)
    return is_light, np.asarray(enlarged, np.float32)
