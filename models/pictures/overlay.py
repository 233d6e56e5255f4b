"""Draws into a picture what was read in it: the boxes of digits, the ink of one digit."""

import io
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from models.figures.colors import BLUE, VERMILLION
from models.pictures.boxes import Box
from models.pictures.evidence import Evidence
from models.pictures.mnist_format import Normalised

MIN_SIDE = 400  # pixels: smaller pictures are enlarged


def draw_ink(normalised: Normalised, evidence: Evidence) -> bytes:
    """The picture as PNG, with the ink that was taken in blue, its box, and those of the other hypotheses."""
    zoom = max(1, round(MIN_SIDE / max(evidence.overview.size)))
    canvas = ImageOps.scale(evidence.overview.convert("RGB"), zoom, Image.Resampling.NEAREST)
    pen, scale = ImageDraw.Draw(canvas), evidence.scale * zoom
    if normalised.box is not None and evidence.ink is not None:
        left, top, right, bottom = (round(edge * scale) for edge in normalised.box)
        size = (max(1, right - left), max(1, bottom - top))
        cover = Image.fromarray((evidence.ink * 200).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
        canvas.paste(Image.new("RGB", size, BLUE), (left, top), cover)
    for box, score, is_chosen in evidence.hypotheses:
        edges = tuple(edge * scale for edge in box)
        pen.rectangle(edges, outline=BLUE if is_chosen else VERMILLION, width=2)
        pen.text((edges[0] + 3, edges[1] + 2), f"{score:.2f}", BLUE if is_chosen else VERMILLION)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def draw_boxes(upright: Image.Image, found: Iterable[tuple[Box, str, bool]], *, reduction: float) -> bytes:
    """The picture as PNG, with a box and its text for each item of `found`: (box, text, is_accepted).

    Boxes are in pixels of the original, which `upright` is `reduction` times as large as. Accepted digits are blue,
    the others vermillion with a question mark.
    """
    zoom = max(1, round(MIN_SIDE / max(upright.size)))
    canvas = upright.convert("RGB").resize((upright.width * zoom, upright.height * zoom), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(canvas)
    for box, text, is_accepted in found:
        left, top, right, bottom = (edge * reduction * zoom for edge in box)
        color, size = BLUE if is_accepted else VERMILLION, max(10, round((bottom - top) / 4))
        pen.rectangle((left - 1, top - 1, right, bottom), outline=color, width=max(1, size // 10))
        place = (left, top - size * 1.3 if top > size * 1.3 else bottom + 1)
        pen.text(place, text if is_accepted else text + "?", color, _font(size))
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
