"""Groups the components of a page into lines of digits."""

from dataclasses import dataclass

import numpy as np

from models.pictures.boxes import Box, gap_between
from models.pictures.components import Boxes, Component

MIN_TALL_SHARE = 0.5  # of the tallest component's height: a digit is at least this tall
MIN_OVERLAP = 0.4  # of the shorter one's height: minimum vertical overlap of a component and the line that it joins


@dataclass(frozen=True)
class TextLine:
    """The components of a line of digits, and how tall its digits are."""

    components: list[Component]
    height: float


def group_into_lines(components: list[Component]) -> list[TextLine]:
    """The lines from top to bottom.

    From left to right each tall component joins the line that it stands beside, or begins one. Small components then
    join the line of the nearest tall one, if that is near.
    """
    if not components:
        return []
    min_tall_height = MIN_TALL_SHARE * _height_of(components)
    lines: list[list[Component]] = []
    small: list[Component] = []
    for component in sorted(components, key=lambda component: component.box[0]):
        if component.height < min_tall_height:
            small.append(component)
            continue
        # the last two of each line, because the very last may be half a digit
        overlaps = [max(_overlap(other.box, component.box) for other in line[-2:]) for line in lines]
        if overlaps and max(overlaps) > MIN_OVERLAP:
            lines[int(np.argmax(overlaps))].append(component)
        else:
            lines.append([component])
    tall = [(component, number) for number, line in enumerate(lines) for component in line]
    for component in small:
        nearest, number = min(tall, key=lambda each: gap_between(each[0].box, component.box))
        if gap_between(nearest.box, component.box) <= min_tall_height:
            lines[number].append(component)
    lines.sort(key=lambda line: min(component.box[1] for component in line))
    return [TextLine(line, _height_of(line)) for line in lines]


def digit_height(boxes: Boxes) -> float:
    """The median height of the boxes that are at least half as tall as the tallest; 0 without boxes."""
    heights = boxes[:, 3] - boxes[:, 1]
    return float(np.median(heights[heights >= MIN_TALL_SHARE * heights.max()])) if len(boxes) else 0.0


def _height_of(components: list[Component]) -> float:
    return digit_height(np.array([component.box for component in components]))


def _overlap(one: Box, other: Box) -> float:
    """The vertical overlap of two boxes, as a share of the shorter one's height; negative if there is none."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / min(one[3] - one[1], other[3] - other[1])
