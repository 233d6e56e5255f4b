"""Glyphs of printed digits and of displays, as ink coverage like those of pens.py."""

from functools import cache
from pathlib import Path as File

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.training.scenes.images import to_floats
from models.training.scenes.pens import crop, enlarge
from models.training.scenes.strokes import Ink, oversampling, to_ink


def printed_digit(digit: int, height: int, random: np.random.Generator, hollow: bool = False) -> Ink:
    """A digit of a random printed font: sans, serif or mono, regular, bold or oblique."""
    files = printed_fonts()
    font = _font(files[int(random.integers(len(files)))], 96)
    left, top, right, bottom = font.getbbox(str(digit), stroke_width=4)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    at = (1 - left, 1 - top)
    pencil = ImageDraw.Draw(canvas)
    pencil.text(at, str(digit), 255, font, stroke_width=4 if hollow else 0)
    if hollow:
        pencil.text(at, str(digit), 0, font)
    ink = crop(to_floats(canvas))
    return crop(enlarge(ink, height))


def seven_segment_digit(digit: int, height: int, random: np.random.Generator) -> Ink:
    """A digit of a seven-segment display: upright or slanted, with thin or thick segments and gaps."""
    width, thickness = random.uniform(0.45, 0.6), random.uniform(0.08, 0.17)
    gap, slant = random.uniform(0.0, 0.03), random.choice([0.0, 0.0, 0.1, 0.17])
    factor = oversampling(height)
    scale = height * factor
    canvas = Image.new("L", (int((width + slant) * scale) + 2, scale))
    pencil = ImageDraw.Draw(canvas)
    for name in _segments(digit, random):
        corners = _segment(name, width, thickness, gap) @ np.array([[1, 0], [-slant, 1]]) + np.array([slant, 0])
        pencil.polygon([(float(x), float(y)) for x, y in corners * scale], fill=255)
    return crop(to_ink(canvas, factor))


@cache
def printed_fonts() -> list[File]:
    folder = File(matplotlib.get_data_path()) / "fonts" / "ttf"
    return sorted(
        file
        for file in folder.glob("*.ttf")
        if file.name.startswith(("DejaVu", "cmr10", "cmb10", "cmss10", "cmtt10")) and "Display" not in file.name
    )


@cache
def _font(file: File, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


SEGMENTS = {0: "abcdef", 1: "bc", 2: "abdeg", 3: "abcdg", 4: "bcfg", 5: "acdfg", 6: "acdefg", 7: "abc", 8: "abcdefg",
            9: "abcdfg"}  # fmt: skip


def _segments(digit: int, random: np.random.Generator) -> str:
    """The segments that are lit; a 6, a 7 and a 9 have two usual forms."""
    rare = {6: "cdefg", 7: "abcf", 9: "abcfg"}
    return rare[digit] if digit in rare and random.random() < 0.25 else SEGMENTS[digit]


def _segment(name: str, width: float, thickness: float, gap: float) -> NDArray[np.float64]:
    """The six corners (6, 2) of a segment in a digit one unit tall."""
    half = thickness / 2
    across = {"a": half, "g": 0.5, "d": 1 - half}
    if name in across:
        y, start, end = across[name], half + gap, width - half - gap
        return np.array(
            [
                (start, y),
                (start + half, y - half),
                (end - half, y - half),
                (end, y),
                (end - half, y + half),
                (start + half, y + half),
            ]
        )
    x = width - half if name in "bc" else half
    start, end = (half + gap, 0.5 - gap) if name in "bf" else (0.5 + gap, 1 - half - gap)
    return np.array(
        [
            (x, start),
            (x + half, start + half),
            (x + half, end - half),
            (x, end),
            (x - half, end - half),
            (x - half, start + half),
        ]
    )
