"""Groups the components of a page into lines of digits."""

from dataclasses import dataclass, field

import numpy as np

from models.pictures.boxes import Box, gap_between, middle_of, size_of
from models.pictures.components import Boxes, Component
from models.pictures.dashes import MAX_THICKNESS, find_dashes

MIN_TALL_SHARE = 0.5  # of the tallest component's height: a digit is at least this tall
MAX_SLOPE = 0.65  # a line may climb or fall by 33 degrees
MIN_OVERLAP = 0.4  # of the shorter one's height: minimum vertical overlap of a component and the line that it joins
COUNTED = 4  # components at the end of a line, from which its slope is estimated
CAUTION = 0.2  # in squares of a component's height, as a prior of the slope's regression: two digits say little


@dataclass(frozen=True)
class TextLine:
    """The components of a line of digits, and how tall its digits are."""

    components: list[Component]
    height: float
    dashes: list[float] = field(default_factory=list)  # the columns of dashes between digits, from left to right


class _GrowingLine:
    """The tall components of a line so far, from left to right, and where it leads."""

    def __init__(self, first: Component) -> None:
        self.components = [first]
        self._slope: float | None = None  # pixels that it falls for one to the right; None if it is too short to tell

    def append(self, component: Component) -> None:
        self.components.append(component)
        x, y = np.array([middle_of(each.box) for each in self.components[-COUNTED:]]).T
        if np.ptp(x) >= 0.5 * component.height:
            offsets = x - x.mean()
            spread = (offsets * offsets).sum() + CAUTION * component.height**2
            self._slope = float(np.clip((offsets * y).sum() / spread, -MAX_SLOPE, MAX_SLOPE))

    def overlap_with(self, box: Box) -> float:
        """The overlap with the line's last components, moved to where the line leads.

        The last two count, because the very last may be half a digit.
        """
        return max(_overlap(self._lead(each.box, box), box) for each in self.components[-2:])

    def _lead(self, last: Box, box: Box) -> Box:
        """Where a digit as tall as the last one is expected beside it, at the column of `box`."""
        (x, y), (to_x, to_y) = middle_of(last), middle_of(box)
        if self._slope is not None:
            return _lower(last, self._slope * (to_x - x))
        if gap_between(last, box) >= size_of(last)[1]:
            return last
        reach = MAX_SLOPE * max(0.0, to_x - x)  # one component leads either way, a near one half as far as it may
        return _lower(last, min(max(to_y - y, -reach), reach) / 2)


def group_into_lines(components: list[Component], marks: list[Box]) -> list[TextLine]:
    """The lines from top to bottom.

    From left to right each tall component joins the line that it stands beside, or begins one. Small components then
    join the line of the nearest tall one, if that is near. Dashes are found among them, and among the other `marks`.
    """
    if not components:
        return []
    min_tall_height = MIN_TALL_SHARE * _height_of(components)
    lines: list[_GrowingLine] = []
    small: list[Component] = []
    for component in sorted(components, key=lambda component: component.box[0]):
        if component.height < min_tall_height:
            small.append(component)
            continue
        overlaps = [line.overlap_with(component.box) for line in lines]
        if overlaps and max(overlaps) > MIN_OVERLAP:
            lines[int(np.argmax(overlaps))].append(component)
        else:
            lines.append(_GrowingLine(component))
    found = [line.components for line in lines]
    tall = [(component, number) for number, line in enumerate(found) for component in line]
    for component in small:
        nearest, number = min(tall, key=lambda each: gap_between(each[0].box, component.box))
        if gap_between(nearest.box, component.box) <= min_tall_height:
            found[number].append(component)
    found.sort(key=lambda line: min(component.box[1] for component in line))
    return [_as_line(line, marks) for line in found]


def _as_line(components: list[Component], marks: list[Box]) -> TextLine:
    """The line without its dashes, and where they are. Marks of other lines are not at the height of its digits."""
    height = _height_of(components)
    is_flat = [component.height <= MAX_THICKNESS * height for component in components]
    digits = [component.box for component, flat in zip(components, is_flat, strict=True) if not flat]
    flat_boxes = {component.box for component, flat in zip(components, is_flat, strict=True) if flat}
    dashes = find_dashes(flat_boxes | set(marks), digits, height)
    kept = [component for component in components if component.box not in dashes]
    return TextLine(kept, height, sorted(middle_of(box)[0] for box in dashes))


def digit_height(boxes: Boxes) -> float:
    """The median height of the boxes that are at least half as tall as the tallest; 0 without boxes."""
    heights = boxes[:, 3] - boxes[:, 1]
    return float(np.median(heights[heights >= MIN_TALL_SHARE * heights.max()])) if len(boxes) else 0.0


def _height_of(components: list[Component]) -> float:
    return digit_height(np.array([component.box for component in components]))


def _lower(box: Box, pixels: float) -> Box:
    left, top, right, bottom = box
    return left, top + round(pixels), right, bottom + round(pixels)


def _overlap(one: Box, other: Box) -> float:
    """The vertical overlap of two boxes, as a share of the shorter one's height; negative if there is none."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / min(one[3] - one[1], other[3] - other[1])
