"""Every digit that was read gets some ink, whatever ink there is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pictures.components import Component
from models.pictures.ink_assignment import assign_ink
from models.pictures.text_lines import TextLine

HEIGHT = 20


def bar(left: int, right: int, *, top: int = 0, bottom: int = HEIGHT) -> Component:
    return Component(np.ones((bottom - top, right - left), np.float32), (left, top, right, bottom))


components = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 40), st.integers(0, 15), st.integers(1, HEIGHT)).map(
        lambda sides: bar(sides[0], sides[0] + sides[1], top=sides[2], bottom=sides[2] + sides[3])
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(components, st.lists(st.floats(-5, 130), max_size=9).map(sorted))
def test_every_position_gets_ink_of_its_own(components: list[Component], positions: list[float]) -> None:
    inks = assign_ink(TextLine(components, HEIGHT), positions)
    assert [ink.digit_index for ink in inks if ink.digit_index is not None] == list(range(len(positions)))
    for ink in inks:
        left, top, right, bottom = ink.box
        assert ink.draw().shape == (bottom - top, right - left)
        assert ink.draw().max() > 0.1


def test_joined_ink_is_split_where_there_is_least_of_it() -> None:
    ink = np.ones((HEIGHT, 30), np.float32)
    ink[:, 13:15] = 0
    ink[8] = 1  # a bridge
    first, second = assign_ink(TextLine([Component(ink, (0, 0, 30, HEIGHT))], HEIGHT), [6, 22])
    assert first.split_from == second.split_from == 0
    assert first.box[2] == pytest.approx(14, abs=1)
    assert second.box[0] == pytest.approx(14, abs=1)


def test_digit_that_was_read_beside_its_ink_gets_its_own() -> None:
    ink = np.zeros((HEIGHT, 24), np.float32)
    ink[:, 2:5] = ink[:, 8:23] = ink[10] = 1
    first, second = assign_ink(TextLine([Component(ink, (0, 0, 24, HEIGHT))], HEIGHT), [0.5, 15])
    assert first.box[2] <= 9
    assert second.box[0] >= 4


def test_small_component_joins_the_digit_beside_it_and_a_far_one_is_dropped() -> None:
    line = TextLine([bar(0, 10), bar(11, 15, bottom=4), bar(40, 43, top=17)], HEIGHT)
    (ink,) = assign_ink(line, [5])
    assert ink.box == (0, 0, 15, HEIGHT)
    assert ink.split_from is None


def test_tall_component_that_was_not_read_is_kept() -> None:
    first, second = assign_ink(TextLine([bar(0, 10), bar(20, 30)], HEIGHT), [5])
    assert (first.digit_index, second.digit_index) == (0, None)
