"""Groups the components of a page into lines of digits."""

from dataclasses import dataclass, field

import numpy as np

from models.pictures.boxes import Box, gap_between, middle_of, size_of
from models.pictures.components import Boxes, Component

MIN_TALL_SHARE = 0.5  # of the tallest component's height: a digit is at least this tall
MAX_SLOPE = 0.65  # a line may climb or fall by 33 degrees
MIN_OVERLAP = 0.4  # of the shorter one's height: minimum vertical overlap of a component and the line that it joins
# All are shares of a line's height. A dash is a flat mark between two digits, about in the middle of the line.
MIN_DASH_WIDTH, MAX_DASH_WIDTH, MAX_DASH_HEIGHT = 0.15, 1.2, 0.3
MAX_DASH_OFFSET = 0.3  # of its middle from the line's


@dataclass(frozen=True)
class TextLine:
    """The components of a line of digits, and how tall its digits are."""

    components: list[Component]
    height: float
    dashes: list[float] = field(default_factory=list)  # the columns of dashes between digits, from left to right


def group_into_lines(components: list[Component], marks: list[Box]) -> list[TextLine]:
    """The lines from top to bottom.

    From left to right each tall component joins the line that it stands beside, or begins one. Small components then
    join the line of the nearest tall one, if that is near. Dashes are found among them, and among the other `marks`.
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
        overlaps = [_overlap_with_line(line, component.box) for line in lines]
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
    return [_as_line(line, marks) for line in lines]


def _as_line(components: list[Component], marks: list[Box]) -> TextLine:
    """The line without its dashes, and where they are."""
    height = _height_of(components)
    digits = [component for component in components if component.height > MAX_DASH_HEIGHT * height]
    flat = {component.box for component in components if component.height <= MAX_DASH_HEIGHT * height}
    found = flat | set(marks)
    dashes = [box for box in found if _is_dash(box, digits, height)]
    kept = [component for component in components if component.box not in dashes]
    return TextLine(kept, height, sorted(middle_of(box)[0] for box in dashes))


def _is_dash(box: Box, digits: list[Component], height: float) -> bool:
    """Whether it stands alone between the nearest digits on its left and its right, and looks like a dash."""
    (x, y), (width, thickness) = middle_of(box), size_of(box)
    if not MIN_DASH_WIDTH * height <= width <= MAX_DASH_WIDTH * height or thickness > MAX_DASH_HEIGHT * height:
        return False
    if width < 1.5 * thickness:
        return False
    left = max((digit.box for digit in digits if middle_of(digit.box)[0] < x), key=lambda each: each[2], default=None)
    right = min((digit.box for digit in digits if middle_of(digit.box)[0] > x), key=lambda each: each[0], default=None)
    if left is None or right is None or left[2] > box[0] or right[0] < box[2]:
        return False
    middle = (middle_of(left)[1] + middle_of(right)[1]) / 2
    return abs(y - middle) <= MAX_DASH_OFFSET * height


def digit_height(boxes: Boxes) -> float:
    """The median height of the boxes that are at least half as tall as the tallest; 0 without boxes."""
    heights = boxes[:, 3] - boxes[:, 1]
    return float(np.median(heights[heights >= MIN_TALL_SHARE * heights.max()])) if len(boxes) else 0.0


def _height_of(components: list[Component]) -> float:
    return digit_height(np.array([component.box for component in components]))


def _overlap_with_line(line: list[Component], box: Box) -> float:
    """The overlap with the line's last components, where they would be if the line climbed or fell as it did so far.

    The last two count, because the very last may be half a digit.
    """
    x, middle = middle_of(box)
    slope = _slope(line)
    if slope is None:  # of one component: the line may climb either way
        last = line[-1].box
        reach = MAX_SLOPE * max(0.0, x - middle_of(last)[0])
        shift = (
            float(np.clip(middle - middle_of(last)[1], -reach, reach))
            if gap_between(last, box) < size_of(last)[1]
            else 0.0
        )
        return _overlap(_lowered(last, shift / 2), box)
    return max(_overlap(_lowered(other.box, slope * (x - middle_of(other.box)[0])), box) for other in line[-2:])


def _slope(line: list[Component]) -> float | None:
    """How far the line falls for each pixel to the right; None if it is too short to tell."""
    x, y = np.array([middle_of(component.box) for component in line[-4:]]).T
    if np.ptp(x) < 0.5 * line[-1].height:
        return None
    return float(np.clip(np.polyfit(x, y, 1)[0], -MAX_SLOPE, MAX_SLOPE))


def _lowered(box: Box, pixels: float) -> Box:
    left, top, right, bottom = box
    return left, top + round(pixels), right, bottom + round(pixels)


def _overlap(one: Box, other: Box) -> float:
    """The vertical overlap of two boxes, as a share of the shorter one's height; negative if there is none."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / min(one[3] - one[1], other[3] - other[1])
