"""From the bytes of a picture to upright pixels, whatever its format, mode, depth, transparency and orientation."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from models.errors import PictureRefused, PictureTooLarge

Grey = NDArray[np.float32]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
LARGEST_PIXELS = 64_000_000  # a 64-megapixel photo; decoding it takes up to half a gigabyte
DETAIL_SIDE = 1024  # what is kept of a larger picture: a digit that is small in it is looked at twice

DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError, struct.error)
ORIENTATION_TAG = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.MAX_IMAGE_PIXELS = None  # Pillow would warn before it refuses; read_picture has a limit of its own


def read_picture(content: bytes) -> Image.Image:
    """The picture in PNG, JPEG, WebP, BMP or GIF bytes, not yet decoded.

    Raises PictureRefused where the bytes are no such picture, PictureTooLarge past 64 megapixels.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (UnidentifiedImageError, *DECODER_ERRORS) as error:
        raise PictureRefused("These bytes are not a PNG, JPEG, WebP, BMP or GIF picture.") from error
    width, height = picture.size
    if width * height > LARGEST_PIXELS:
        raise PictureTooLarge(
            f"The picture has {width}x{height} pixels, more than {LARGEST_PIXELS:,} in all; send a smaller one."
        )
    return picture


def decode(picture: Image.Image) -> tuple[Image.Image, float]:
    """The upright picture in mode L or RGB, at most 1024 pixels long, and by how much it was reduced.

    Raises PictureRefused if it is damaged.
    """
    longest = max(picture.size)
    try:
        if longest > DETAIL_SIDE:
            picture.draft("RGB", (DETAIL_SIDE, DETAIL_SIDE))  # a JPEG is decoded at a fraction of its size
        picture.load()
        turn = _orientation(picture)
        small = _averageable(picture)
        small.thumbnail((DETAIL_SIDE, DETAIL_SIDE), Image.Resampling.BOX)
    except DECODER_ERRORS as error:
        raise PictureRefused(f"The picture is damaged or cut off ({error}).") from error
    if small.has_transparency_data:
        small = _on_paper(small.convert("RGBA"))
    upright = small if turn is None else small.transpose(turn)
    return upright if upright.mode in ("L", "RGB") else upright.convert("RGB"), max(small.size) / longest


def to_grey(picture: Image.Image) -> Grey:
    """Its grey levels, 0..255, or the colour channel that shows pale coloured ink far better than grey does."""
    if picture.mode == "L":
        return np.asarray(picture, np.float32)
    thumbnail = picture.reduce(max(1, max(picture.size) // 128))
    colours = np.asarray(thumbnail, np.float32)
    if np.abs(colours - colours.mean(axis=2, keepdims=True)).max() < 12:
        return np.asarray(picture.convert("L"), np.float32)
    seen = [np.asarray(thumbnail.convert("L"), np.float32), *np.moveaxis(colours, 2, 0)]
    detail = [float(sum((np.diff(levels, axis=axis) ** 2).sum() for axis in (0, 1))) for levels in seen]
    best = int(np.argmax(detail))
    if best == 0 or detail[best] < 1.5 * detail[0]:
        return np.asarray(picture.convert("L"), np.float32)
    return np.asarray(picture.getchannel(best - 1), np.float32)


def _orientation(picture: Image.Image) -> Image.Transpose | None:
    """How the EXIF data wants the picture turned; nothing where they cannot be read."""
    if picture.format == "BMP" or (picture.format == "PNG" and "exif" not in picture.info):
        return None  # looking further takes longer than the whole prediction
    try:
        return TURNS.get(picture.getexif().get(ORIENTATION_TAG, 1))
    except (*DECODER_ERRORS, AttributeError, KeyError):
        return None


def _averageable(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: no palette, no single bits, 8 bits a channel."""
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA")
    if picture.mode.startswith("I"):  # 16 bits, of which a camera may use 12
        levels = np.clip(np.asarray(picture), 0, 65_535)
        return Image.fromarray((levels >> max(0, int(levels.max()).bit_length() - 8)).astype(np.uint8))
    return picture.convert("L") if picture.mode == "1" else picture


def _on_paper(picture: Image.Image) -> Image.Image:
    """A partly transparent picture on white, or on black where its ink is light."""
    pixels = np.asarray(picture.convert("LA"), np.float32)
    grey, alpha = pixels[..., 0], pixels[..., 1]
    is_light = (grey * alpha).sum() > 127 * alpha.sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if is_light else "white"), picture)
