"""Ink against its ground: which of the two is the lighter one, and how strong the ink is under uneven light."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from models.pictures.decoding import Grey

THUMBNAIL_SIDE = 64  # the light changes slowly: its map needs no more
WINDOW = 0.3  # of the picture's shorter side: what is narrower than this is ink, what is broader is ground
DARKEST_GROUND = 40.0  # of 255: below it a ratio to the ground says little
SAMPLE = 3  # every third pixel each way tells the noise
EVEN = 6.0  # of 255: a border this even is that of a drawing or a scan, and its level is the ground everywhere


@dataclass(frozen=True)
class Ink:
    """How much darker, or lighter, than its ground every pixel is, 0..255."""

    strength: Grey
    inverted: bool  # dark ink on a light ground
    noise: float  # the standard deviation of the ground's strength


def find_ink(grey: Grey) -> Ink:
    """Take the ground away from a picture of grey levels 0..255."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, level, high = np.percentile(border, (3, 50, 97))
    if high - low <= EVEN:
        inverted = bool(level > 127) if abs(level - 127) > 60 else bool(grey.mean() < level)
        strength = level - grey if inverted else grey - level
    else:
        inverted, ground = _ground(grey)
        ratio = 255 / np.maximum(ground, DARKEST_GROUND)
        strength = (ground - grey) * ratio if inverted else grey - ground
    sample = strength[::SAMPLE, ::SAMPLE]
    middle = float(np.median(sample))
    noise = 1.4826 * float(np.median(np.abs(sample - middle)))
    strength -= middle
    return Ink(np.clip(strength, 0, 255, out=strength), inverted, noise)


def _ground(grey: Grey) -> tuple[bool, Grey]:
    """Whether the ground is the light part, and its level at every pixel.

    A closing (the lowest ceiling over every window) is the paper without dark ink, an opening the board without
    light ink. Where levels differ there is ink nearby, and most pixels around ink are ground.
    """
    height, width = grey.shape
    factor = max(1, round(max(grey.shape) / THUMBNAIL_SIDE))
    thumbnail = np.asarray(Image.fromarray(grey).reduce(factor))
    window = max(3, round(WINDOW * min(thumbnail.shape)) | 1)
    reach = min(window, *(side - 1 for side in thumbnail.shape))
    inner = tuple(slice(reach, reach + side) for side in thumbnail.shape)
    beyond = np.pad(thumbnail, reach, mode="reflect", reflect_type="odd")  # shading goes on past the edge
    ceiling = ndimage.grey_closing(beyond, (window, window))[inner]
    floor = ndimage.grey_opening(beyond, (window, window))[inner]
    lowest = ndimage.minimum_filter(thumbnail, window)
    contrast = ndimage.maximum_filter(thumbnail, window) - lowest
    inverted = bool(((thumbnail - lowest) * contrast).sum() > 0.5 * (contrast * contrast).sum())
    ground = ndimage.uniform_filter(ceiling if inverted else floor, 3, mode="nearest")
    large = Image.fromarray(ground).resize((width, height), Image.Resampling.BILINEAR)
    return inverted, np.asarray(large, np.float32)
