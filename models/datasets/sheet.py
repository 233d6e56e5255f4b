"""Draws a sheet of pictures as the network sees them, each with its label."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.datasets.pictures import LabelledPictures
from models.figures.colors import LIGHT, Theme

MAX_PICTURES, COLUMNS = 100, 10
ZOOM, LABEL_HEIGHT, GAP = 2, 14, 6  # screen pixels for one of a picture; pixels
TILE = 28 * ZOOM


def draw_sheet(pictures: LabelledPictures, *, theme: Theme = LIGHT) -> bytes:
    """Returns a PNG of up to 100 of the pictures, sorted by digit, with about as many of each."""
    chosen = _choose(pictures)
    rows = max(1, -(-len(chosen) // COLUMNS))
    step = TILE + GAP, TILE + LABEL_HEIGHT + GAP
    sheet = Image.new("L", (GAP + COLUMNS * step[0], GAP + rows * step[1]), theme.surface)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(LABEL_HEIGHT - 2)
    for position, index in enumerate(chosen):
        left, top = GAP + position % COLUMNS * step[0], GAP + position // COLUMNS * step[1]
        tile = Image.fromarray(pictures.images[index]).resize((TILE, TILE), Image.Resampling.NEAREST)
        pen.text((left, top - 2), str(pictures.labels[index]), theme.text, font)
        sheet.paste(tile, (left, top + LABEL_HEIGHT))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _choose(pictures: LabelledPictures) -> list[int]:
    """The first pictures of each digit in turn, until there are enough."""
    by_digit = [np.flatnonzero(pictures.labels == digit)[:MAX_PICTURES].tolist() for digit in range(10)]
    ranked = sorted((rank, digit, index) for digit, found in enumerate(by_digit) for rank, index in enumerate(found))
    return [index for _, _, index in sorted(ranked[:MAX_PICTURES], key=lambda each: (each[1], each[0]))]
