"""Draws the boxes of the digits that were read into the picture."""

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from models.figures.colors import BLUE, VERMILLION
from models.pictures.boxes import Box

MIN_SIDE = 400  # pixels: smaller pictures are enlarged


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
        pen.text(place, text if is_accepted else text + "?", color, ImageFont.load_default(size))
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()
