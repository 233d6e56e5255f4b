"""Places the digits of a scene: cut out tightly, one anywhere, several in rows, or none."""

import numpy as np
from PIL import Image

from models.training.scenes.drawing import bend, draw_lines, lay
from models.training.scenes.glyphs import DigitSource, draw_style
from models.training.scenes.strokes import Ink

MIN_SIDE, MAX_SIDE, MAX_PAGE_SIDE = 24, 260, 400  # pixels of a scene, and of one with several digits
FIELDS_SHARE = 0.2  # of the scenes with several digits: written into the fields of a form


def draw_tight(source: DigitSource, random: np.random.Generator) -> tuple[Ink, Ink]:
    """A digit cut out along its ink, or nearly so; sometimes squeezed into a square. No other marks."""
    height = round(np.exp(random.uniform(np.log(8), np.log(160))))
    style = "pen" if height < 16 or random.random() < 0.6 else draw_style(random)
    glyph = source.draw(height if height >= 16 else 28, random, style)
    if height < 16 or random.random() < 0.45:
        side = int(random.choice([8, 8, 12, 16, 16, 20, 24, 32, 32, 48, 64]))
        width = side if random.random() < 0.8 else max(4, round(side * random.uniform(0.5, 1.3)))
        glyph = _resize(glyph, (side, width))
    margins = np.zeros(4, int) if random.random() < 0.5 else random.integers(0, max(2, glyph.shape[0] // 8), 4)
    ink = np.pad(glyph, (tuple(margins[:2]), tuple(margins[2:])))
    if random.random() < 0.25:  # cut a little into the ink
        top, bottom, left, right = random.integers(0, max(1, min(ink.shape) // 16) + 1, 4)
        ink = ink[top : ink.shape[0] - bottom, left : ink.shape[1] - right]
    if random.random() < 0.3:
        ink = (ink > random.uniform(0.3, 0.6)).astype(np.float32)
    if random.random() < 0.15:
        factor = int(random.integers(2, 6))
        ink = ink.repeat(factor, 0).repeat(factor, 1)[:MAX_SIDE, :MAX_SIDE]
    return ink.astype(np.float32), np.zeros(ink.shape, np.float32)


def draw_placed(source: DigitSource, kind: str, random: np.random.Generator, thin_share: float) -> tuple[Ink, Ink]:
    """No digit, one anywhere, or several in rows with dashes, in a picture of any size and shape."""
    most = MAX_PAGE_SIDE if kind == "several" else MAX_SIDE
    longest = np.exp(random.uniform(np.log(MIN_SIDE), np.log(most)))
    aspect = np.exp(random.normal(0, 0.25))
    height, width = (max(16, round(float(longest * part))) for part in (min(1, aspect), min(1, 1 / aspect)))
    if kind == "several":
        height = max(20, round(height * random.uniform(0.25, 1)))
    ink, marks = np.zeros((2, height, width), np.float32)
    if kind == "single":
        share = random.choice([random.uniform(0.08, 0.3), random.uniform(0.1, 0.97), random.uniform(0.5, 0.97)])
        style = "hairline" if share > 0.4 and random.random() < thin_share else None  # a large thin 0 is no circle
        glyph = source.draw(max(9, round(share * min(height, 1.4 * width))), random, style)
        _put(ink, glyph, random)
    if kind == "several":
        _draw_rows(ink, marks, source, random)
    return ink, marks * (1 - ink)


def _draw_rows(ink: Ink, marks: Ink, source: DigitSource, random: np.random.Generator) -> None:
    """Digits side by side in one to four rows, alike in style, apart or touching, some with a dash between."""
    style, rows = draw_style(random), int(random.integers(1, 5))
    has_fields, smallest = random.random() < FIELDS_SHARE, 0.85 if random.random() < 0.8 else 0.5
    digit = min(max(9, round(ink.shape[0] * random.uniform(0.4, 0.85) / rows)), ink.shape[0] - 2)
    step = ink.shape[0] / rows
    for row in range(rows):
        if has_fields:
            _fill_fields(ink, marks, digit, (row + 0.5) * step, source, style, random)
            continue
        x = random.uniform(0.02, 0.5) * digit
        slope = random.normal(0, 0.08)
        while True:
            glyph = source.draw(max(8, round(digit * random.uniform(smallest, 1.15))), random, style)
            y = row * step + (step - glyph.shape[0]) / 2 + slope * x + random.normal(0, 0.05) * digit
            y = min(max(0, y), ink.shape[0] - glyph.shape[0])
            if y < 0 or x + glyph.shape[1] > ink.shape[1]:
                break
            lay(ink, glyph, round(x), round(y))
            x += glyph.shape[1] + digit * random.choice([random.uniform(0.05, 0.4), random.uniform(-0.08, 0.6)])
            if random.random() < 0.08:
                length, pen = (max(2, round(digit * random.uniform(*share))) for share in ((0.2, 0.6), (0.05, 0.12)))
                lay(marks, np.ones((pen, length), np.float32), round(x + 0.15 * digit), round(y + glyph.shape[0] / 2))
                x += length + 0.3 * digit


def _fill_fields(
    ink: Ink, marks: Ink, digit: int, middle: float, source: DigitSource, style: str, random: np.random.Generator
) -> None:
    """A row of a form's fields, joined or apart, most with a digit; `middle` is the row's height in the picture."""
    width, height = digit * random.uniform(0.9, 1.5), digit * random.uniform(1.1, 1.6)
    step = width if random.random() < 0.5 else width + digit * random.uniform(0.1, 0.4)
    left, top, bottom = random.uniform(0.02, 0.5) * digit, middle - height / 2, middle + height / 2
    lines = []
    while left + width < ink.shape[1]:
        right = left + width
        lines.append(bend(np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])))
        glyph = source.draw(max(8, round(digit * random.uniform(0.8, 1.1))), random, style)
        if random.random() < 0.85 and glyph.shape[1] < width:
            x, y = left + (width - glyph.shape[1]) / 2, middle - glyph.shape[0] / 2
            drift = random.normal(0, 0.05, 2) * digit
            lay(ink, glyph, round(x + drift[0]), round(y + drift[1]))
        left += step
    pen = max(1.0, digit * random.uniform(0.01, 0.07))
    drawn = draw_lines((ink.shape[0], ink.shape[1]), lines, pen) * random.choice([1.0, random.uniform(0.4, 1)])
    np.maximum(marks, drawn.astype(np.float32), out=marks)


def _put(ink: Ink, glyph: Ink, random: np.random.Generator) -> None:
    height, width = ink.shape
    if glyph.shape[0] > height or glyph.shape[1] > width:
        scale = 0.98 * min(height / glyph.shape[0], width / glyph.shape[1])
        glyph = _resize(glyph, tuple(max(3, int(side * scale)) for side in glyph.shape))
    room = np.array(ink.shape) - glyph.shape
    share = random.beta(2, 2, 2) if random.random() < 0.7 else random.random(2)
    top, left = np.round(room * share).astype(int)
    lay(ink, glyph, left, top)


def _resize(ink: Ink, shape: tuple[int, ...]) -> Ink:
    method = Image.Resampling.BOX if shape[0] < ink.shape[0] else Image.Resampling.BICUBIC
    resized: Ink = np.clip(np.asarray(Image.fromarray(ink).resize((shape[1], shape[0]), method)), 0, 1)
    return resized
