"""Colours, float32 (3,) in 0..1, and how ink is laid on a picture (height, width, 3)."""

import colorsys

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]  # red, green, blue
Picture = NDArray[np.float32]  # (height, width, 3)
Ink = NDArray[np.float32]  # coverage (height, width)
WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue in luminance (ITU-R BT.601)
INKS = ((0.05, 0.05, 0.07), (0.1, 0.15, 0.45), (0.12, 0.12, 0.6), (0.65, 0.1, 0.12), (0.1, 0.4, 0.2), (0.3, 0.3, 0.33))


def paint(picture: Picture, ink: Ink, colour: Colour) -> Picture:
    """The picture with the ink laid over it."""
    covered = ink[..., None]
    return picture * (1 - covered) + colour * covered


def luminance(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """The luminance in 0..1 of a colour (3,) or a picture (height, width, 3)."""
    brightness: NDArray[np.float32] = colours @ WEIGHTS
    return brightness


def any_colour(random: np.random.Generator) -> Colour:
    return _from_hsv(random.random(), random.random() ** 1.5, random.random())


def light_colour(random: np.random.Generator) -> Colour:
    """A colour of paper, mostly nearly white."""
    return _from_hsv(random.random(), random.random() ** 3 * 0.5, random.uniform(0.72, 1.0))


def dark_colour(random: np.random.Generator) -> Colour:
    """A colour of a blackboard, a dark screen or a table."""
    return _from_hsv(random.random(), random.random() * 0.8, random.random() * 0.35)


def pen_colour(random: np.random.Generator) -> Colour:
    """A usual colour of ink: black, blue, red, green or the grey of a pencil."""
    base = np.array(INKS[int(random.integers(len(INKS)))])
    return np.clip(base + random.normal(0, 0.04, 3), 0, 1).astype(np.float32)


def ink_colour(ground: Colour, contrast: float, random: np.random.Generator) -> Colour:
    """A colour whose luminance is at least `contrast`, 0 to 0.5, away from that of the ground."""
    level = float(luminance(ground))
    for _ in range(20):
        colour = pen_colour(random) if level > 0.5 and random.random() < 0.6 else any_colour(random)
        if abs(float(luminance(colour)) - level) >= contrast:
            return colour
    return np.full(3, 0.0 if level > 0.5 else 1.0, np.float32)


def equal_luminance_colours(random: np.random.Generator) -> tuple[Colour, Colour]:
    """Two colours of about the same luminance and very different hue."""
    for _ in range(50):
        hue = random.random()
        one = _from_hsv(hue, random.uniform(0.5, 1.0), random.uniform(0.4, 1.0))
        other = _from_hsv(hue + random.uniform(0.3, 0.7), random.uniform(0.5, 1.0), random.uniform(0.4, 1.0))
        other = other * (luminance(one) / max(float(luminance(other)), 0.01))
        if other.max() <= 1 and np.abs(one - other).max() > 0.5:
            return one, other
    return np.array([0.85, 0.25, 0.2], np.float32), np.array([0.2, 0.56, 0.3], np.float32)


def _from_hsv(hue: float, saturation: float, value: float) -> Colour:
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)
