"""The layout of a page: its components of ink, line by line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.arrays import Floats
from models.errors import PictureRefused
from models.pictures.boxes import as_box
from models.pictures.components import MIN_INK, NEIGHBOURS, Component, find_boxes, label_ink, widen
from models.pictures.eye import Eye, Sight
from models.pictures.strength import measure_strength
from models.pictures.text_lines import TextLine, digit_height, group_into_lines

OVERVIEW_SIDES = (64, 320)  # pixels of the first view's longer side: smaller pictures are enlarged, larger ones reduced
MIN_DOUBT = 0.04  # of ink, as of eye.py: on a page, a thin 1 is most like another mark
VIEWED_HEIGHT = 40  # pixels of the digits in the last view
MAX_SIDE = 1024  # pixels of a view's longer side
MAX_HEIGHT_CHANGE = 1.25  # a view in which digits are nearly as tall as this is the last one
MAX_VIEWS = 3
MAX_VIEWED_HEIGHT = 80  # pixels: what is taller in the last view is no line of digits, and splitting it would take long
MIN_DIGIT_HEIGHT = 4  # pixels of the given picture: smaller ink shows no digits
MIN_SIZE_SHARE = 0.2  # of a digit's height: components that are smaller both ways are dust
MAX_COMPONENTS = 300
MIN_ONE_INK = 0.12  # probability of ink somewhere in a stroke that is mostly taken for a mark: it may be a 1
ONE_HEIGHTS, MAX_ONE_WIDTH = (0.6, 1.4), 0.4  # of a digit's height


@dataclass(frozen=True)
class Layout:
    """The lines from top to bottom.

    Boxes are in pixels of the working picture, in which digits are at most 80 pixels tall, mostly 40. It is `scale`
    times as large as the given one.
    """

    lines: list[TextLine]
    scale: float


def find_layout(picture: Image.Image, eye: Eye) -> Layout:
    """Find the lines of an upright picture in mode L or RGB. Raises PictureRefused if it has too many components."""
    longest = max(picture.size)
    sight, side = _look(picture, eye)
    height = _digit_height(sight)
    if height < MIN_DIGIT_HEIGHT * side / longest or not 0 < height <= MAX_VIEWED_HEIGHT:
        return Layout([], 1.0)
    ink = take_ones(sight, height)
    components = _find_components(ink, measure_strength(ink, sight.colours))
    marks = find_boxes(ndimage.label(sight.marks > MIN_INK, NEIGHBOURS)[0])[:MAX_COMPONENTS]  # noise has thousands
    return Layout(group_into_lines(components, [as_box(mark) for mark in marks]), side / longest)


def _look(picture: Image.Image, eye: Eye) -> tuple[Sight, int]:
    """Look at the picture until its digits are about 40 pixels tall; also returns the side of the last view."""
    side = min(max(max(picture.size), OVERVIEW_SIDES[0]), OVERVIEW_SIDES[1])
    for _ in range(MAX_VIEWS - 1):
        sight = eye.look(picture, side, is_square=False, min_doubt=MIN_DOUBT)
        height = _digit_height(sight)
        is_good = 1 / MAX_HEIGHT_CHANGE < height / VIEWED_HEIGHT < MAX_HEIGHT_CHANGE
        wanted = min(round(side * VIEWED_HEIGHT / height), MAX_SIDE) if height and not is_good else side
        if wanted == side:
            return sight, side
        side = wanted
    return eye.look(picture, side, is_square=False, min_doubt=MIN_DOUBT), side


def take_ones(sight: Sight, height: float) -> Floats:
    """The ink of a sight, with lone upright strokes as tall as the digits: what is not surely a mark is a 1."""
    visible = sight.ink + sight.marks
    labels, count = ndimage.label(visible > MIN_INK, NEIGHBOURS)
    widths, heights = (find_boxes(labels)[:, 2:] - find_boxes(labels)[:, :2]).T / height
    most = ndimage.maximum(sight.ink, labels, np.arange(1, count + 1))
    is_one = (most > MIN_ONE_INK) & (heights > ONE_HEIGHTS[0]) & (heights < ONE_HEIGHTS[1]) & (widths < MAX_ONE_WIDTH)
    taken: Floats = np.where(np.append(False, is_one)[labels], visible, sight.ink)
    return taken


def _digit_height(sight: Sight) -> float:
    return digit_height(find_boxes(label_ink(sight.ink)))


def _find_components(ink: Floats, strength: Floats) -> list[Component]:
    """The components that are no dust. Raises PictureRefused past MAX_COMPONENTS."""
    labels = label_ink(ink)
    boxes = find_boxes(labels)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    kept = np.flatnonzero(sides >= MIN_SIZE_SHARE * digit_height(boxes))
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
    own_and_edge = widen(own) & ((labels[place] == 0) | own)
    alone = np.where(own_and_edge, strength[place], 0).astype(np.float32)
    return Component(alone, (left, top, left + alone.shape[1], top + alone.shape[0]))
