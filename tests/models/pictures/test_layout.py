"""A 1 between other digits is ink, though the eye takes a lone upright stroke for a mark."""

import numpy as np
import pytest
from PIL import Image

from models.pictures import layout
from models.pictures.components import find_boxes, label_ink
from models.pictures.eye import Eye, Sight

HEIGHT = 40.0


def look_at(top: int, height: int, width: int, probability: float) -> int:
    """How many pieces of ink there are where a mark stands alone, of which one pixel is as likely ink as this."""
    ink, marks = np.zeros((2, 80, 60), np.float32)
    place = slice(top, top + height), slice(20, 20 + width)
    ink[place], marks[place] = 0.05, 0.8
    ink[top, 20] = probability
    return len(find_boxes(label_ink(layout.take_ones(Sight(ink, marks, ink[None]), HEIGHT))))


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ({"top": 20, "height": 38, "width": 4, "probability": 0.2}, 1),
        ({"top": 20, "height": 38, "width": 4, "probability": 0.05}, 0),  # surely a mark
        ({"top": 20, "height": 38, "width": 30, "probability": 0.2}, 0),  # a frame
        ({"top": 2, "height": 75, "width": 4, "probability": 0.2}, 0),  # a margin's line
        ({"top": 40, "height": 5, "width": 14, "probability": 0.2}, 0),  # a dash
    ],
)
def test_an_unsure_upright_stroke_is_a_one(mark: dict[str, float], expected: int) -> None:
    assert look_at(**mark) == expected  # type: ignore[arg-type]


def test_a_picture_without_marks_has_no_ones() -> None:
    assert layout.find_layout(Image.new("L", (60, 40), 255), Eye.load()).lines == []
