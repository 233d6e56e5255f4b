"""Grounds that a digit may be drawn on: pictures, float32 (height, width, 3) in 0..1, of `shape` (height, width)."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.training.scenes.colours import (
    Colour,
    Ink,
    Picture,
    any_colour,
    dark_colour,
    light_colour,
    paint,
)  # fmt: skip
from models.training.scenes.images import to_bytes, to_floats
from models.training.scenes.noise import grain, smooth_noise

Shape = tuple[int, int]  # height, width, in pixels
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ,.;:-()"
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "DejaVuSans-Bold", "DejaVuSerif-Italic")


def plain(shape: Shape, colour: Colour) -> Picture:
    return np.broadcast_to(colour, (*shape, 3)).copy()


def paper(shape: Shape, random: np.random.Generator, colour: Colour | None = None) -> Picture:
    """Paper with grain and a slightly uneven tone; a light colour unless one is given."""
    base = light_colour(random) if colour is None else colour
    strength = random.uniform(0.0, 0.03)
    uneven = 0.08 * random.random() * (smooth_noise(shape, max(shape) * random.uniform(0.2, 1), random) - 0.5)
    return _shade(base, grain(shape, strength, random) + uneven)


def gradient(
    shape: Shape, random: np.random.Generator, one: Colour | None = None, other: Colour | None = None
) -> Picture:
    """From one colour to another in any direction; two light ones or two dark ones unless they are given."""
    pick = light_colour if random.random() < 0.7 else dark_colour
    start, end = (pick(random) if colour is None else colour for colour in (one, other))
    part = direction_ramp(shape, random.uniform(0, 2 * np.pi))[..., None]
    return start * (1 - part) + end * part


def wood(shape: Shape, random: np.random.Generator, colour: Colour | None = None) -> Picture:
    """Boards with grain along one side."""
    base = np.array([0.6, 0.42, 0.26], np.float32) * random.uniform(0.45, 1.4) if colour is None else colour
    along, across = max(shape) * random.uniform(0.5, 1.5), max(shape) * random.uniform(0.03, 0.12)
    scale = (along, across) if random.random() < 0.5 else (across, along)
    rings = np.sin(smooth_noise(shape, scale, random) * random.uniform(8, 30))
    return _shade(np.clip(base, 0, 1), rings * random.uniform(0.02, 0.07) + grain(shape, 0.01, random))


def cloth(shape: Shape, random: np.random.Generator, colour: Colour | None = None) -> Picture:
    """A weave of two directions with threads of 2 to 8 pixels."""
    base = any_colour(random) if colour is None else colour
    thread, angle = random.uniform(2.0, 8.0), random.uniform(0, np.pi / 2)
    warp, weft = (np.sin(2 * np.pi / thread * coordinate(shape, angle + turn)) for turn in (0, np.pi / 2))
    return _shade(base, random.uniform(0.01, 0.06) * (warp * weft + 0.5 * (warp + weft)) + grain(shape, 0.01, random))


def marbled(shape: Shape, random: np.random.Generator, strength: float | None = None) -> Picture:
    """Smooth noise of several scales, of one colour or between two; its contrast is `strength`, 0 to 0.3."""
    base, other = any_colour(random), any_colour(random)
    contrast = random.uniform(0.03, 0.2) if strength is None else strength
    scale = max(shape) * random.uniform(0.03, 0.8)
    mixed = smooth_noise(shape, scale, random) + 0.5 * smooth_noise(shape, scale / 2, random) - 0.75
    if random.random() < 0.5:
        return _shade(base, 2 * contrast * mixed)
    return np.clip(base + contrast * mixed[..., None] * (2 * other - 1), 0, 1)


def screenshot(shape: Shape, random: np.random.Generator) -> Picture:
    """A plain user interface: flat areas with sharp edges away from the middle, light or dark."""
    pick = light_colour if random.random() < 0.6 else dark_colour
    canvas = Image.fromarray(to_bytes(plain(shape, pick(random))))
    pencil = ImageDraw.Draw(canvas)
    height, width = shape
    bars = [
        (0, 0, width, int(height * random.uniform(0.05, 0.15))),
        (0, int(height * random.uniform(0.87, 0.95)), width, height),
        (0, 0, int(width * random.uniform(0.04, 0.12)), height),
    ]
    for bar in bars:
        if random.random() < 0.5:
            pencil.rectangle(bar, _bytes_of(pick(random)))
    return to_floats(canvas)


def ruled(
    picture: Picture, random: np.random.Generator, spacing: float | None = None, strength: float | None = None
) -> Picture:
    """Draws parallel lines, `spacing` pixels apart; `strength` 0.1 is pale, 1 as dark as ink."""
    step = max(picture.shape) * random.uniform(0.07, 0.4) if spacing is None else spacing
    lines = line_pattern(picture.shape[:2], step, _thickness(step, random), random.normal(0, 0.02) + np.pi / 2, random)
    return paint(picture, lines * _strength(strength, random), line_colour(random))


def squared(
    picture: Picture, random: np.random.Generator, spacing: float | None = None, strength: float | None = None
) -> Picture:
    """Draws squares with sides of `spacing` pixels; `strength` 0.1 is pale, 1 as dark as ink."""
    step = max(picture.shape) * random.uniform(0.05, 0.25) if spacing is None else spacing
    thickness, angle = _thickness(step, random), random.normal(0, 0.02)
    one, other = (line_pattern(picture.shape[:2], step, thickness, angle + turn, random) for turn in (0, np.pi / 2))
    return paint(picture, np.maximum(one, other) * _strength(strength, random), line_colour(random))


def printed_text(picture: Picture, random: np.random.Generator, strength: float | None = None) -> Picture:
    """Prints lines of text all over the picture, pale or dark."""
    height = int(np.clip(picture.shape[0] * random.uniform(0.04, 0.12), 6, 80))
    text = text_lines(picture.shape[:2], height, random)
    return paint(picture, text * _strength(strength, random), line_colour(random))


def folded(picture: Picture, random: np.random.Generator) -> Picture:
    """Folds the sheet once or twice: each side of a fold is a little lighter or darker, the fold itself a thin line."""
    shape = picture.shape[:2]
    for turn in random.permutation([0, np.pi / 2])[: int(random.integers(1, 3))]:
        along = coordinate(shape, turn + random.normal(0, 0.04))
        offset = along - random.uniform(0.25, 0.75) * max(shape)
        reach = max(shape) * random.uniform(0.05, 0.3)
        shade = np.sign(offset) * np.exp(-np.abs(offset) / reach) * random.uniform(0.03, 0.1)
        crease = np.clip(1.5 - np.abs(offset) / max(1.0, max(shape) / 200), 0, 1) * random.uniform(-0.12, 0.08)
        picture = picture * (1 + shade + crease)[..., None].astype(np.float32)
    return np.clip(picture, 0, 1)


def creased(picture: Picture, random: np.random.Generator) -> Picture:
    """Crumples the sheet: facets of slightly different brightness."""
    shape = picture.shape[:2]
    shade = np.zeros(shape, np.float32)
    for _ in range(int(random.integers(3, 9))):
        offset = coordinate(shape, random.uniform(0, 2 * np.pi)) - random.uniform(-0.2, 1.0) * max(shape)
        shade += np.where(offset > 0, 1, -1) * np.exp(-np.abs(offset) / (max(shape) * random.uniform(0.05, 0.2)))
    return np.clip(picture * (1 + random.uniform(0.02, 0.06) * shade)[..., None], 0, 1)


GROUNDS = (paper, gradient, wood, cloth, marbled, screenshot)  # each takes the shape and the random generator


def any_ground(shape: Shape, random: np.random.Generator) -> Picture:
    """One of all grounds: most often plain or paper, now and then with rules, squares, text or folds."""
    kind = random.random()
    if kind < 0.25:
        pick = (light_colour, light_colour, dark_colour, any_colour)[int(random.integers(4))]
        picture = plain(shape, pick(random))
    else:
        picture = paper(shape, random) if kind < 0.6 else GROUNDS[int(random.integers(1, len(GROUNDS)))](shape, random)
    if random.random() < 0.3:
        change = (ruled, squared, printed_text, folded, creased)[int(random.choice(5, p=[0.3, 0.3, 0.1, 0.2, 0.1]))]
        picture = change(picture, random)
    return picture


def coordinate(shape: Shape, angle: float) -> NDArray[np.float32]:
    """How far each pixel (height, width) lies from the upper left corner in the direction of the angle, in pixels."""
    across = np.arange(shape[1], dtype=np.float32) * np.float32(np.cos(angle))
    down = np.arange(shape[0], dtype=np.float32) * np.float32(np.sin(angle))
    return across[None, :] + down[:, None]


def direction_ramp(shape: Shape, angle: float) -> NDArray[np.float32]:
    """Rises from 0 to 1 across the picture in the direction of the angle."""
    along = coordinate(shape, angle)
    along = along - along.min()
    ramp: NDArray[np.float32] = along / np.float32(max(float(along.max()), 1.0))
    return ramp


def line_pattern(shape: Shape, spacing: float, thickness: float, angle: float, random: np.random.Generator) -> Ink:
    """Parallel lines as ink coverage: at angle 0 they are vertical, at pi / 2 horizontal."""
    along = coordinate(shape, angle) + np.float32(random.uniform(0, spacing))
    distance = np.abs(np.mod(along, np.float32(spacing)) - np.float32(spacing / 2))
    lines: Ink = (np.float32(thickness / 2 + 0.5) - distance).clip(0, 1)
    return lines * np.float32(min(1.0, thickness))


def text_lines(shape: Shape, height: int, random: np.random.Generator) -> Ink:
    """Lines of random words, each `height` pixels tall, as ink coverage all over the picture."""
    canvas = Image.new("L", (shape[1], shape[0]))
    pencil, font = ImageDraw.Draw(canvas), font_of(FONTS[int(random.integers(len(FONTS)))], height)
    y, step = -random.uniform(0, height), height * random.uniform(1.3, 2.2)
    while y < shape[0]:
        pencil.text((-random.uniform(0, 3 * height), y), words(2 + 2 * shape[1] // height, random), 255, font)
        y += step
    return to_floats(canvas)


def words(length: int, random: np.random.Generator) -> str:
    """Random words of 1 to 9 letters, `length` characters in all."""
    letters = np.array(list(LETTERS))[random.integers(0, len(LETTERS), length)]
    letters[np.cumsum(random.integers(2, 10, length))[:length].clip(0, length - 1)] = " "
    return "".join(letters)


@cache
def font_of(name: str, size: int) -> ImageFont.FreeTypeFont:
    """One of matplotlib's fonts."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)


def line_colour(random: np.random.Generator) -> Colour:
    """A colour that lines are printed in: grey, black, blue or red."""
    colours = ((0.5, 0.5, 0.5), (0.1, 0.1, 0.1), (0.25, 0.45, 0.75), (0.75, 0.3, 0.35), (0.4, 0.6, 0.65))
    return np.array(colours[int(random.integers(len(colours)))], np.float32)


def _shade(colour: Colour, change: NDArray[np.floating]) -> Picture:
    return np.clip(colour + change[..., None], 0, 1).astype(np.float32)


def _bytes_of(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (int(255 * part) for part in colour)
    return red, green, blue


def _thickness(spacing: float, random: np.random.Generator) -> float:
    return float(np.clip(spacing * random.uniform(0.02, 0.08), 0.6, 12))


def _strength(strength: float | None, random: np.random.Generator) -> np.float32:
    return np.float32(random.uniform(0.15, 1.0) if strength is None else strength)
