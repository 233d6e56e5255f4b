"""Digits of straight lines, circles and arcs, as people draw them with a ruler or the tools of a drawing program."""

import numpy as np

from models.training.scenes.strokes import Path


def geometric_paths(digit: int, random: np.random.Generator) -> list[Path]:
    """The lines of a digit, about one unit tall, 0.45 to 0.75 wide and a little slanted."""
    width, slant = random.uniform(0.45, 0.75), random.choice([0.0, 0.0, random.uniform(-0.1, 0.2)])
    forms = FORMS[digit]
    paths = forms[int(random.integers(len(forms)))]
    return [path @ np.array([[width, 0], [-slant, 1]]) for path in paths]


def line(*points: tuple[float, float]) -> Path:
    return np.array(points, np.float64)


def arc(x: float, y: float, radii: tuple[float, float], start: float, end: float) -> Path:
    """Part of an ellipse, from one angle to another in degrees: 0 is right, 90 is down."""
    angle = np.radians(np.linspace(start, end, 40))
    return np.stack([x + radii[0] * np.cos(angle), y + radii[1] * np.sin(angle)], axis=1)


# Each digit has several forms; points are (x, y) in the unit square, y down.
FORMS: dict[int, list[list[Path]]] = {
    0: [
        [arc(0.5, 0.5, (0.5, 0.5), 0, 360)],
        [line((0.3, 0), (0.7, 0), (1, 0.3), (1, 0.7), (0.7, 1), (0.3, 1), (0, 0.7), (0, 0.3), (0.3, 0))],
    ],
    1: [
        [line((0.2, 0.25), (0.6, 0), (0.6, 1))],
        [line((0.2, 0.25), (0.55, 0), (0.55, 1)), line((0.2, 1), (0.9, 1))],
        [line((0.5, 0), (0.5, 1))],
    ],
    2: [
        [arc(0.5, 0.28, (0.45, 0.28), 190, 380), line((0.92, 0.38), (0, 1), (1, 1))],
        [line((0, 0.15), (0.5, 0), (0.95, 0.2), (0.05, 1), (1, 1))],
    ],
    3: [
        [arc(0.42, 0.25, (0.45, 0.25), 200, 450), arc(0.42, 0.75, (0.5, 0.25), 270, 520)],
        [line((0.05, 0), (0.95, 0), (0.4, 0.4)), arc(0.42, 0.7, (0.5, 0.3), 265, 510)],
    ],
    4: [
        [line((0.65, 0), (0, 0.65), (1, 0.65)), line((0.65, 0), (0.65, 1))],
        [line((0.3, 0), (0.05, 0.6), (0.95, 0.6)), line((0.75, 0.1), (0.75, 1))],
    ],
    5: [
        [line((0.9, 0), (0.15, 0), (0.1, 0.45)), arc(0.45, 0.7, (0.5, 0.3), 225, 510)],
        [line((0.95, 0), (0.1, 0), (0.1, 0.45), (0.75, 0.45), (0.95, 0.7), (0.7, 1), (0.05, 1))],
    ],
    6: [
        [arc(0.5, 0.7, (0.45, 0.3), 0, 360), line((0.07, 0.64), (0.25, 0.25), (0.7, 0))],
        [arc(0.5, 0.7, (0.45, 0.3), 0, 360), arc(0.95, 0.7, (0.9, 0.7), 180, 275)],
    ],
    7: [[line((0, 0), (1, 0), (0.35, 1))], [line((0, 0), (1, 0), (0.35, 1)), line((0.3, 0.48), (0.95, 0.48))]],
    8: [
        [arc(0.5, 0.24, (0.38, 0.24), 0, 360), arc(0.5, 0.74, (0.48, 0.26), 0, 360)],
        [arc(0.5, 0.25, (0.45, 0.25), 0, 360), arc(0.5, 0.75, (0.45, 0.25), 0, 360)],
    ],
    9: [
        [arc(0.5, 0.3, (0.45, 0.3), 0, 360), line((0.95, 0.3), (0.9, 1))],
        [arc(0.5, 0.3, (0.45, 0.3), 0, 360), line((0.95, 0.3), (0.95, 0.75)), arc(0.45, 0.75, (0.5, 0.25), 0, 150)],
    ],
}  # fmt: skip
