"""No digit that was read is lost, whatever ink there is for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.pictures.ink_assignment import divide
from models.pictures.layout import Line, Piece

HEIGHT = 20


def bar(left: int, right: int, *, top: int = 0, bottom: int = HEIGHT) -> Piece:
    return Piece(np.ones((bottom - top, right - left), np.float32), (left, top, right, bottom))


pieces = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 40), st.integers(0, 15), st.integers(1, HEIGHT)).map(
        lambda sides: bar(sides[0], sides[0] + sides[1], top=sides[2], bottom=sides[2] + sides[3])
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(pieces, st.lists(st.floats(-5, 130), max_size=9).map(sorted))
def test_every_place_gets_one_share_with_ink(pieces: list[Piece], places: list[float]) -> None:
    shares = divide(Line(pieces, HEIGHT), places)
    assert [share.number for share in shares if share.number is not None] == list(range(len(places)))
    for share in shares:
        left, top, right, bottom = share.box
        assert share.paint().shape == (bottom - top, right - left)
        assert share.paint().max() > 0.1


def test_joined_ink_is_cut_where_there_is_least_of_it() -> None:
    ink = np.ones((HEIGHT, 30), np.float32)
    ink[:, 13:15] = 0
    ink[8] = 1  # a bridge
    first, second = divide(Line([Piece(ink, (0, 0, 30, HEIGHT))], HEIGHT), [6, 22])
    assert first.cut_from == second.cut_from == 0
    assert first.box[2] == pytest.approx(14, abs=1)
    assert second.box[0] == pytest.approx(14, abs=1)


def test_digit_that_was_read_beside_its_ink_gets_its_own() -> None:
    ink = np.zeros((HEIGHT, 24), np.float32)
    ink[:, 2:5] = ink[:, 8:23] = ink[10] = 1
    first, second = divide(Line([Piece(ink, (0, 0, 24, HEIGHT))], HEIGHT), [0.5, 15])
    assert first.box[2] <= 9
    assert second.box[0] >= 4


def test_small_piece_joins_the_digit_beside_it_and_a_far_one_is_passed_over() -> None:
    line = Line([bar(0, 10), bar(11, 15, bottom=4), bar(40, 43, top=17)], HEIGHT)
    (share,) = divide(line, [5])
    assert share.box == (0, 0, 15, HEIGHT)
    assert share.cut_from is None


def test_tall_piece_that_was_not_read_is_a_share_of_its_own() -> None:
    first, second = divide(Line([bar(0, 10), bar(20, 30)], HEIGHT), [5])
    assert (first.number, second.number) == (0, None)
