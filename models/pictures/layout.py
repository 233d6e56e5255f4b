"""The layout of a page: its components of ink, line by line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.arrays import Floats
from models.errors import PictureRefused
from models.pictures.background import subtract_background
from models.pictures.components import (
    MIN_RELATIVE_STRENGTH,
    NEIGHBOURS,
    Boxes,
    Component,
    denoise,
    find_boxes,
    may_have_ruling,
    peak_strength,
)
from models.pictures.decoding import to_grey
from models.pictures.ruling import remove_ruling
from models.pictures.text_lines import TextLine, digit_height, group_into_lines

MIN_DIGIT_HEIGHT = 7  # pixels: smaller ink shows no digits
MAX_DIGIT_HEIGHT = 48  # pixels: larger digits are reduced to it
MIN_SIZE_SHARE = 0.2  # of a digit's height: components that are smaller both ways are dust
MAX_COMPONENTS = 300
MAX_FRAMES = 50
MIN_FRAMED_SHARE = 0.25  # of a frame's height: smaller components in it may be dust inside a 0


@dataclass(frozen=True)
class Layout:
    """The lines from top to bottom.

    Boxes are in pixels of the working picture: the one that was given, reduced so far that digits are at most 48
    pixels tall. It is `scale` times as large as the given one.
    """

    lines: list[TextLine]
    scale: float


def find_layout(picture: Image.Image) -> Layout:
    """Find the lines of an upright picture in mode L or RGB. Raises PictureRefused if it has too many components."""
    strength, min_threshold = denoise(subtract_background(to_grey(picture)))
    threshold = max(min_threshold, MIN_RELATIVE_STRENGTH * peak_strength(strength))
    if may_have_ruling(find_boxes(ndimage.label(strength > min_threshold, NEIGHBOURS)[0]), strength.shape):
        strength = remove_ruling(strength, min_threshold, threshold / MIN_RELATIVE_STRENGTH)
    boxes = find_boxes(ndimage.label(strength > threshold, NEIGHBOURS)[0])
    height, scale = digit_height(boxes[~_is_frame(boxes)]), 1.0
    if height < MIN_DIGIT_HEIGHT:
        return Layout([], scale)
    if height > MAX_DIGIT_HEIGHT:
        scale = MAX_DIGIT_HEIGHT / height
        size = (max(1, round(strength.shape[1] * scale)), max(1, round(strength.shape[0] * scale)))
        strength = np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BOX))
        threshold = max(min_threshold, MIN_RELATIVE_STRENGTH * peak_strength(strength))
    return Layout(group_into_lines(_find_components(strength, threshold)), scale)


def _is_frame(boxes: Boxes) -> NDArray[np.bool_]:
    """Which boxes contain at least two others of some size: a frame around a number is not one of its digits.

    Only the MAX_FRAMES tallest are examined, because noise has thousands of boxes.
    """
    found = np.zeros(len(boxes), bool)
    heights = boxes[:, 3] - boxes[:, 1]
    for index in np.argsort(-heights, kind="stable")[:MAX_FRAMES]:
        left, top, right, bottom = boxes[index]
        is_inside = (boxes[:, 0] > left) & (boxes[:, 1] > top) & (boxes[:, 2] < right) & (boxes[:, 3] < bottom)
        found[index] = np.count_nonzero(is_inside & (heights > MIN_FRAMED_SHARE * heights[index])) >= 2
    return found


def _find_components(strength: Floats, threshold: float) -> list[Component]:
    """The components that are neither dust nor frames. Raises PictureRefused past MAX_COMPONENTS."""
    labels, _ = ndimage.label(strength > threshold, NEIGHBOURS)
    boxes = find_boxes(labels)
    sides, is_frame = (boxes[:, 2:] - boxes[:, :2]).max(axis=1), _is_frame(boxes)
    kept = np.flatnonzero((sides >= MIN_SIZE_SHARE * digit_height(boxes[~is_frame])) & ~is_frame)
    if len(kept) > MAX_COMPONENTS:
        raise PictureRefused(
            f"The picture holds {len(kept)} separate marks, more than {MAX_COMPONENTS}: it is not a page of digits, or "
            "the page is too large. Send a part of it."
        )
    return [_cut_out(strength, labels, int(index) + 1, boxes[index]) for index in kept]


def _cut_out(strength: Floats, labels: NDArray[np.int32], label: int, box: NDArray[np.int64]) -> Component:
    """The ink of one component alone, with its soft edge."""
    left, top = (max(0, int(edge) - 1) for edge in box[:2])
    right, bottom = (int(edge) + 1 for edge in box[2:])
    place = (slice(top, bottom), slice(left, right))
    own = labels[place] == label
    own_and_edge = ndimage.binary_dilation(own, NEIGHBOURS) & ((labels[place] == 0) | own)
    levels = np.where(own_and_edge, strength[place], 0)
    full = float(np.percentile(levels[own], 75))
    ink = np.clip(levels / full, 0, 1).astype(np.float32)
    return Component(ink, (left, top, left + ink.shape[1], top + ink.shape[0]))
