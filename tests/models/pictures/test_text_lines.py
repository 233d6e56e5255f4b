import numpy as np
import pytest

from models.pictures.components import Component
from models.pictures.text_lines import group_into_lines


def block(left: float, top: float, width: int = 24, height: int = 40) -> Component:
    box = (round(left), round(top), round(left) + width, round(top) + height)
    return Component(np.ones((height, width), np.float32), box)


@pytest.mark.parametrize("degrees", [-30, -15, 0, 15, 30])
def test_two_lines_that_climb_stay_two(degrees: int) -> None:
    slope = np.tan(np.radians(degrees))
    rows = [[block(40 * n, 300 + 90 * row + 40 * n * slope) for n in range(7)] for row in range(2)]
    lines = group_into_lines(rows[0] + rows[1], [])
    assert [{each.box for each in line.components} for line in lines] == [{each.box for each in row} for row in rows]


def test_a_flat_mark_between_two_digits_is_a_dash() -> None:
    digits = [block(0, 100), block(30, 100), block(90, 100), block(120, 100)]
    dash = block(64, 118, width=16, height=4)
    as_ink = group_into_lines([*digits, dash], [])
    as_mark = group_into_lines(digits, [dash.box])
    for lines in (as_ink, as_mark):
        assert len(lines) == 1
        assert lines[0].dashes == [72]
        assert len(lines[0].components) == 4


def test_a_bar_over_a_digit_or_a_line_below_is_no_dash() -> None:
    digits = [block(0, 100), block(60, 100)]
    bar, below, before = block(62, 92, 20, 4), block(30, 150, 24, 4), block(-40, 118, 20, 4)
    assert group_into_lines([*digits, bar, below, before], [])[0].dashes == []


def test_two_digits_that_stand_a_little_apart_in_height_do_not_make_a_steep_line() -> None:
    """`06` with a higher 6, then a lower 7: the two alone would lead far above it."""
    digits = [block(0, 100), block(26, 88), block(62, 108), block(96, 98), block(130, 104)]
    assert len(group_into_lines(digits, [])) == 1
