"""Digits as people draw them, for a mouse: strokes in a square of side 1."""

import math
from collections.abc import Iterator

from playwright.sync_api import Page

Point = tuple[float, float]
Stroke = list[Point]


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    """Degrees clockwise from the right, 12 steps."""
    angles = [math.radians(start + (end - start) * step / 12) for step in range(13)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


DIGITS: dict[int, list[Stroke]] = {
    0: [arc(0.5, 0.5, 0.2, 0.32, -90, 270)],
    1: [[(0.42, 0.28), (0.52, 0.18), (0.52, 0.82)]],
    2: [[*arc(0.5, 0.34, 0.18, 0.17, -170, 30), (0.3, 0.8), (0.72, 0.8)]],
    3: [arc(0.48, 0.33, 0.17, 0.16, -150, 90) + arc(0.48, 0.66, 0.2, 0.17, -90, 150)],
    4: [[(0.45, 0.18), (0.28, 0.56), (0.74, 0.56)], [(0.62, 0.34), (0.6, 0.84)]],
    5: [[(0.66, 0.18), (0.4, 0.18), (0.36, 0.46), *arc(0.48, 0.62, 0.2, 0.2, -110, 150)]],
    6: [[(0.6, 0.16), (0.42, 0.36), (0.34, 0.6), *arc(0.5, 0.66, 0.16, 0.17, 180, 540)]],
    7: [[(0.3, 0.2), (0.7, 0.2), (0.46, 0.82)]],
    8: [arc(0.5, 0.34, 0.14, 0.16, 90, 450) + arc(0.5, 0.67, 0.17, 0.17, -90, 270)],
    9: [[*arc(0.5, 0.36, 0.16, 0.17, 0, 360), (0.65, 0.5), (0.6, 0.84)]],
}


def draw(page: Page, strokes: list[Stroke]) -> None:
    """Move the mouse along the strokes."""
    box = page.locator(".sheet canvas").bounding_box()
    assert box is not None
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def side_by_side(*digits: int) -> Iterator[Stroke]:
    """Digits next to one another on one sheet."""
    size = 1 / len(digits)
    for place, digit in enumerate(digits):
        for stroke in DIGITS[digit]:
            yield [((place + x) * size, 0.5 + (y - 0.5) * size) for x, y in stroke]
