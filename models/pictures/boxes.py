"""A picture with the boxes of what was read in it."""

import io
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from models.colors import BLUE, VERMILLION
from models.pictures.normalised import Box

LEAST_SIDE = 400  # pixels: a smaller picture is enlarged


def draw_boxes(upright: Image.Image, found: Iterable[tuple[Box, str, bool]], *, reduction: float) -> bytes:
    """PNG of the picture with each box (in pixels of the original, `reduction` times those of `upright`), what was read
    there, and whether it is to be trusted: blue if so, vermillion and with a question mark if not.
    """
    zoom = max(1, round(LEAST_SIDE / max(upright.size)))
    page = upright.convert("RGB").resize((upright.width * zoom, upright.height * zoom), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(page)
    for box, text, is_accepted in found:
        left, top, right, bottom = (edge * reduction * zoom for edge in box)
        color, size = BLUE if is_accepted else VERMILLION, max(10, round((bottom - top) / 4))
        pen.rectangle((left - 1, top - 1, right, bottom), outline=color, width=max(1, size // 10))
        place = (left, top - size * 1.3 if top > size * 1.3 else bottom + 1)
        pen.text(place, text if is_accepted else text + "?", color, ImageFont.load_default(size))
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
