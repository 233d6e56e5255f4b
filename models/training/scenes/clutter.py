"""Other things in a picture, as ink coverage float32 (height, width), around the digit's `box`.

`shape` is (height, width) and `box` (left, top, right, bottom) in pixels. Things with colours of their own are in
surroundings.py.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from models.pictures.boxes import Box
from models.training.scenes.drawing import bend, draw_lines, lay, middle_of, rounded, side_of, straight, wobble
from models.training.scenes.grounds import FONTS, Shape, font_of, line_pattern, words
from models.training.scenes.images import to_floats
from models.training.scenes.noise import smooth_noise
from models.training.scenes.strokes import Ink

Draw = Callable[[Shape, Box, np.random.Generator], Ink]


def frame(
    shape: Shape, box: Box, random: np.random.Generator, thickness: float | None = None, distance: float | None = None
) -> Ink:
    """A box around the digit: printed or by hand, square or rounded, now and then with gaps.

    `thickness` in pixels; `distance` from the digit in shares of its longer side, 0 (touching) to 0.6.
    """
    if distance is None:
        distance = random.uniform(0.01, 0.12) if random.random() < 0.35 else random.uniform(0.04, 0.6)
    gap = distance * side_of(box)
    pen = pen_for(box, random) if thickness is None else thickness
    grown = _grow(box, gap + pen / 2, random, uneven=0.3 * gap)
    corners = rounded(grown, random.choice([0.0, 0.0, 0.15, 0.4]) * min(grown[2] - grown[0], grown[3] - grown[1]) / 2)
    if random.random() < 0.4:
        corners = wobble(corners, 0.01 * side_of(box), random)
    ink = draw_lines(shape, [corners], pen)
    if random.random() < 0.2:
        ink = ink * _gaps(shape, random)
    return ink


def comb(shape: Shape, box: Box, random: np.random.Generator, thickness: float | None = None) -> Ink:
    """The fields of a form side by side: the digit is in one of them. Some have no upper line."""
    pen = pen_for(box, random) if thickness is None else thickness
    left, top, right, bottom = _grow(box, random.uniform(0.08, 0.4) * side_of(box) + pen / 2, random)
    width = right - left
    first, last = -int(random.integers(0, 6)), int(random.integers(1, 6))
    start, end = left + first * width, left + last * width
    height = (bottom - top) * (1.0 if random.random() < 0.7 else random.uniform(0.2, 0.6))
    lines = [
        straight(left + number * width, bottom - height, left + number * width, bottom)
        for number in range(first, last + 1)
    ]
    lines.append(straight(start, bottom, end, bottom))
    if height == bottom - top and random.random() < 0.8:
        lines.append(straight(start, top, end, top))
    return draw_lines(shape, lines, pen)


def circle(shape: Shape, box: Box, random: np.random.Generator, thickness: float | None = None) -> Ink:
    """An ellipse by hand around the digit, whose ends meet, overlap or leave a gap."""
    pen = pen_for(box, random) if thickness is None else thickness
    half = np.array([box[2] - box[0], box[3] - box[1]]) / 2
    half[0] = max(half[0], 0.5 * half[1])
    radii = half * random.uniform(1.3, 1.9) * random.uniform(1.0, 1.12, 2) + pen / 2  # 1.41 passes through the corners
    angle = np.linspace(0, 2 * np.pi * random.uniform(0.93, 1.12), 60) + random.uniform(0, 2 * np.pi)
    swell = 1 + random.uniform(-0.04, 0.08) * np.linspace(0, 1, 60)
    points = np.stack([np.cos(angle) * radii[0] * swell, np.sin(angle) * radii[1] * swell], axis=1)
    return draw_lines(shape, [wobble(points + middle_of(box), 0.02 * side_of(box), random)], pen)


def underline(shape: Shape, box: Box, random: np.random.Generator, thickness: float | None = None) -> Ink:
    """One or two lines below the digit, straight or wavy, mostly apart from it, at times touching."""
    pen = pen_for(box, random) if thickness is None else thickness
    side = side_of(box)
    y = box[3] + pen / 2 + random.uniform(-0.04, 0.22) * side
    start, end = box[0] - random.uniform(-0.1, 0.8) * side, box[2] + random.uniform(-0.1, 0.8) * side
    lines = []
    for number in range(1 if random.random() < 0.75 else 2):
        x = np.linspace(start, max(end, start + 0.5 * side), 40)
        wave = np.sin(x / side * random.uniform(8, 20)) * side * (0.03 if random.random() < 0.25 else 0.0)
        height = y + number * (1.5 * pen + 0.08 * side) + wave + random.normal(0, 0.04) * (x - x[0])
        lines.append(np.stack([x, height], axis=1))
    return draw_lines(shape, lines, pen)


def strike(shape: Shape, box: Box, random: np.random.Generator) -> Ink:
    """One thin line across the digit, so that it can still be read."""
    side, (x, y) = side_of(box), middle_of(box)
    reach, tilt = random.uniform(0.5, 0.9) * side, random.uniform(-0.7, 0.7)
    y += random.uniform(-0.25, 0.25) * side
    line = straight(x - reach, y - reach * tilt, x + reach, y + reach * tilt)
    return draw_lines(shape, [wobble(line, 0.01 * side, random)], max(1.0, random.uniform(0.01, 0.03) * side))


def crossing_out(shape: Shape, box: Box, random: np.random.Generator) -> Ink:
    """A crossed-out scribble beside the digit."""
    side, (x, y) = side_of(box), _place_beside(box, 0.9, random)
    points = np.cumsum(random.normal(0, 0.25, (12, 2)), axis=0)
    points = (points - points.mean(axis=0)).clip(-0.4, 0.4) * side
    cross = [
        straight(-0.45 * side, -0.4 * side, 0.45 * side, 0.4 * side),
        straight(-0.45 * side, 0.4 * side, 0.45 * side, -0.4 * side),
    ]
    lines = [
        wobble(line, 0.02 * side, random) + np.array([x, y]) for line in [points, *cross[: int(random.integers(1, 3))]]
    ]
    return draw_lines(shape, lines, pen_for(box, random))


def tick(shape: Shape, box: Box, random: np.random.Generator) -> Ink:
    """A tick beside the digit."""
    size, (x, y) = random.uniform(0.3, 0.9) * side_of(box), _place_beside(box, 0.75, random)
    corners = np.array([(-0.4, 0.1), (-0.15, 0.45), (0.5, -0.5)]) * size
    line = wobble(bend(corners), 0.02 * size, random) + np.array([x, y])
    return draw_lines(shape, [line], pen_for(box, random))


def border(shape: Shape, random: np.random.Generator, thickness: int | None = None) -> Ink:
    """A line of 1 to 6 pixels along all four sides of the picture."""
    pen = int(random.integers(1, 7)) if thickness is None else thickness
    ink = np.ones(shape, np.float32)
    ink[pen : shape[0] - pen, pen : shape[1] - pen] = 0
    return ink


def grid(shape: Shape, box: Box, random: np.random.Generator, spacing: float | None = None) -> Ink:
    """Squares as large as the digit or smaller, whose lines cross it."""
    step = side_of(box) * random.uniform(0.25, 1.2) if spacing is None else spacing
    thickness, angle = max(0.7, side_of(box) * random.uniform(0.008, 0.04)), random.normal(0, 0.03)
    one, other = (line_pattern(shape, step, thickness, angle + turn, random) for turn in (0, np.pi / 2))
    return np.maximum(one, other)


def text_beside(shape: Shape, box: Box, random: np.random.Generator, height: int | None = None) -> Ink:
    """One or two printed lines above, below, left or right of the digit, smaller than it."""
    size = max(5, round(side_of(box) * random.uniform(0.12, 0.4))) if height is None else height
    font = font_of(FONTS[int(random.integers(len(FONTS)))], min(size, 200))
    text, gap = words(int(random.integers(3, 14)), random).strip() or "No.", 0.15 * side_of(box)
    length = font.getlength(text)
    places = [
        (box[0] - random.uniform(0, 0.5) * length, box[1] - gap - 1.3 * size),
        (box[0] - random.uniform(0, 0.5) * length, box[3] + gap),
        (box[0] - gap - length, random.uniform(box[1], max(box[1] + 1, box[3] - size))),
        (box[2] + gap, random.uniform(box[1], max(box[1] + 1, box[3] - size))),
    ]
    canvas = Image.new("L", (shape[1], shape[0]))
    for place in random.permutation(4)[: int(random.integers(1, 3))]:
        ImageDraw.Draw(canvas).text(places[place], text, 255, font)
    return to_floats(canvas)


def cut_neighbour(shape: Shape, box: Box, random: np.random.Generator, glyph: Ink) -> Ink:
    """A second digit, the glyph, of which the picture's edge leaves 15 to 50 % to be seen. It stays off the digit."""
    ink = np.zeros(shape, np.float32)
    height, width = glyph.shape
    seen = random.uniform(0.15, 0.5)
    edge = int(random.integers(4))
    if edge < 2:
        x = round(seen * width) - width if edge == 0 else shape[1] - round(seen * width)
        y = (box[1] + box[3] - height) // 2 + round(random.normal(0, 0.1) * height)
    else:
        y = round(seen * height) - height if edge == 2 else shape[0] - round(seen * height)
        x = (box[0] + box[2] - width) // 2 + round(random.normal(0, 0.3) * width)
    lay(ink, glyph, x, y)
    ink[max(0, box[1] - 2) : box[3] + 2, max(0, box[0] - 2) : box[2] + 2] = 0
    return ink


def specks(shape: Shape, random: np.random.Generator, count: int | None = None) -> Ink:
    """Dust: 3 to 40 dots and short hairs of 1 to 3 pixels."""
    number = int(random.integers(3, 41)) if count is None else count
    canvas = Image.new("L", (shape[1], shape[0]))
    pencil = ImageDraw.Draw(canvas)
    for x, y, size in random.random((number, 3)) * (shape[1], shape[0], max(2.0, max(shape) / 60)):
        pencil.line(
            (x, y, x + size * random.choice([0.0, 1.0]), y + size * random.choice([0.0, 1.0])),
            int(random.integers(80, 256)),
        )
    return to_floats(canvas)


def smear(shape: Shape, box: Box, random: np.random.Generator) -> Ink:
    """A faint smear across the picture, of coverage up to 0.35."""
    angle, middle = random.uniform(0, np.pi), middle_of(box) + random.normal(0, 0.5, 2) * side_of(box)
    x = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(middle[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(middle[1])
    across = -np.float32(np.sin(angle)) * x + np.float32(np.cos(angle)) * y
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    width, length = random.uniform(0.08, 0.35) * side_of(box), random.uniform(0.5, 1.5) * side_of(box)
    body = np.exp(-((across / np.float32(width)) ** 2) - (along / np.float32(length)) ** 2)
    cover: Ink = (
        body * (0.4 + 0.6 * smooth_noise(shape, max(2.0, 0.05 * side_of(box)), random)) * random.uniform(0.15, 0.35)
    )
    return cover.astype(np.float32)


def pen_for(box: Box, random: np.random.Generator) -> float:
    """The breadth of a line near the digit, in pixels: from a hairline to a marker."""
    return float(max(1.0, side_of(box) * random.choice([random.uniform(0.01, 0.04), random.uniform(0.03, 0.12)])))


def _grow(box: Box, gap: float, random: np.random.Generator, uneven: float = 0.0) -> tuple[float, float, float, float]:
    """The box, at least 0.6 as wide as high, moved out by the gap and unevenly by more."""
    more = random.uniform(0, 1, 4) * uneven
    widening = max(0.0, 0.6 * (box[3] - box[1]) - (box[2] - box[0])) / 2
    left, top, right, bottom = box
    across = gap + widening
    return left - across - more[0], top - gap - more[1], right + across + more[2], bottom + gap + more[3]


def _gaps(shape: Shape, random: np.random.Generator) -> Ink:
    """1 where a line is drawn, 0 where it is interrupted."""
    noise = smooth_noise(shape, max(shape) * random.uniform(0.08, 0.2), random)
    return ((noise - np.float32(0.3)) * np.float32(20)).clip(0, 1)


def _place_beside(box: Box, distance: float, random: np.random.Generator) -> tuple[float, float]:
    """A point on any side of the digit, `distance` times its longer side away from its edge."""
    x, y = middle_of(box)
    turn = int(random.integers(4))
    shift = (distance * side_of(box) + ((box[2] - box[0]) if turn < 2 else (box[3] - box[1])) / 2) * (
        -1 if turn % 2 else 1
    )
    drift = random.normal(0, 0.2) * side_of(box)
    return (float(x + shift), float(y + drift)) if turn < 2 else (float(x + drift), float(y + shift))
