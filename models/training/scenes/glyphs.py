"""Random glyphs for scenes: mostly handwritten digits, some drawn, printed and of displays, and a few letters."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.training.outliers import SIGNS
from models.training.scenes.images import to_floats
from models.training.scenes.pens import STYLES, crop, mnist_digit, outline_digit
from models.training.scenes.printing import printed_digit, printed_fonts, seven_segment_digit
from models.training.scenes.strokes import Ink

STYLE_SHARES = (0.42, 0.12, 0.14, 0.09, 0.05, 0.04, 0.03, 0.03, 0.08)  # of STYLES
MAX_BROADENING = (-0.03, 0.06)  # of the height


@dataclass(frozen=True)
class DigitSource:
    """Handwritten digits to draw from."""

    images: NDArray[np.uint8]  # (count, 28, 28)
    labels: NDArray[np.int64]  # (count,)

    def draw(self, height: int, random: np.random.Generator, style: str | None = None) -> Ink:
        """A random glyph, of one style if it is handwritten."""
        style = style or draw_style(random)
        kind = random.random()
        if kind < 0.66:
            image = self.images[int(random.integers(len(self.images)))]
            broadening = random.uniform(*MAX_BROADENING) if style == "pen" and random.random() < 0.5 else 0.0
            return mnist_digit(image, height, random, style, broadening)
        digit = int(random.integers(10))
        if kind < 0.84:
            return outline_digit(digit, height, random, style)
        if kind < 0.90:
            return printed_digit(digit, height, random, hollow=random.random() < 0.35)
        if kind < 0.94:
            return seven_segment_digit(digit, height, random)
        return draw_sign(height, random)


def draw_style(random: np.random.Generator) -> str:
    return str(random.choice(STYLES, p=STYLE_SHARES))


def draw_sign(height: int, random: np.random.Generator, signs: str = SIGNS) -> Ink:
    """A letter or another sign of a random printed font, `height` pixels tall."""
    files = [file for file in printed_fonts() if file.name.startswith("DejaVu")]  # the others lack some signs
    font = ImageFont.truetype(files[int(random.integers(len(files)))], max(8, min(96, 2 * height)))
    sign = signs[int(random.integers(len(signs)))]
    left, top, right, bottom = font.getbbox(sign)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), sign, 255, font)
    ink = crop(to_floats(canvas))
    width = max(1, round(ink.shape[1] * height / ink.shape[0]))
    sized: Ink = np.clip(np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC)), 0, 1)
    return sized
