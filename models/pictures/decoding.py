"""Decodes a picture of any format, mode, depth, transparency and orientation to upright pixels."""

import io
import struct

import numpy as np
from PIL import Image, UnidentifiedImageError

from models.arrays import Floats
from models.errors import PictureRefused, PictureTooLarge

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 64_000_000  # a 64-megapixel photo; decoding it takes up to half a gigabyte
MAX_SIDE = 1024  # pixels: larger pictures are reduced to it; small digits still have their detail

DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError, struct.error)
ORIENTATION_TAG = 0x0112  # of EXIF
TRANSPOSITIONS = {  # that undo each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.MAX_IMAGE_PIXELS = None  # Pillow warns before it refuses; open_picture checks MAX_PIXELS instead


def open_picture(content: bytes) -> Image.Image:
    """The picture in PNG, JPEG, WebP, BMP or GIF bytes, not decoded yet.

    Raises PictureRefused if the bytes are not such a picture, PictureTooLarge past 64 megapixels.
    """
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (UnidentifiedImageError, *DECODER_ERRORS) as error:
        raise PictureRefused("These bytes are not a PNG, JPEG, WebP, BMP or GIF picture.") from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise PictureTooLarge(
            f"The picture has {width}x{height} pixels, more than {MAX_PIXELS:,} in all. Send a smaller one."
        )
    return picture


def decode(picture: Image.Image) -> tuple[Image.Image, float]:
    """The upright picture in mode L or RGB, at most 1024 pixels long, and its size as a share of the original's.

    Raises PictureRefused if the picture is damaged.
    """
    longest = max(picture.size)
    try:
        if longest > MAX_SIDE:
            picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # decodes a JPEG at a fraction of its size
        picture.load()
        transposition = _read_transposition(picture)
        small = _to_averageable_mode(picture)
        small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    except DECODER_ERRORS as error:
        raise PictureRefused(f"The picture is damaged or cut off ({error}).") from error
    if small.has_transparency_data:
        small = _flatten(small.convert("RGBA"))
    upright = small if transposition is None else small.transpose(transposition)
    return upright if upright.mode in ("L", "RGB") else upright.convert("RGB"), max(small.size) / longest


def to_grey(picture: Image.Image) -> Floats:
    """Grey levels (height, width) in 0..255 of a picture in mode L or RGB.

    If pale coloured ink has far more contrast in one colour channel than in grey, the levels are that channel's.
    """
    if picture.mode == "L":
        return np.asarray(picture, np.float32)
    thumbnail = picture.reduce(max(1, max(picture.size) // 128))
    colours = np.asarray(thumbnail, np.float32)
    if np.abs(colours - colours.mean(axis=2, keepdims=True)).max() < 12:
        return np.asarray(picture.convert("L"), np.float32)
    candidates = [np.asarray(thumbnail.convert("L"), np.float32), *np.moveaxis(colours, 2, 0)]
    detail = [float(sum((np.diff(levels, axis=axis) ** 2).sum() for axis in (0, 1))) for levels in candidates]
    best = int(np.argmax(detail))
    if best == 0 or detail[best] < 1.5 * detail[0]:
        return np.asarray(picture.convert("L"), np.float32)
    return np.asarray(picture.getchannel(best - 1), np.float32)


def _read_transposition(picture: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright according to its EXIF data; None if it is upright or the data cannot be read."""
    if picture.format == "BMP" or (picture.format == "PNG" and "exif" not in picture.info):
        return None  # `getexif` would take longer than the whole prediction
    try:
        return TRANSPOSITIONS.get(picture.getexif().get(ORIENTATION_TAG, 1))
    except (*DECODER_ERRORS, AttributeError, KeyError):
        return None


def _to_averageable_mode(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: without a palette, 8 bits a channel."""
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA")
    if picture.mode.startswith("I"):  # 16 bits, of which some cameras use only 12
        levels = np.clip(np.asarray(picture), 0, 65_535)
        return Image.fromarray((levels >> max(0, int(levels.max()).bit_length() - 8)).astype(np.uint8))
    return picture.convert("L") if picture.mode == "1" else picture


def _flatten(picture: Image.Image) -> Image.Image:
    """A transparent picture in mode RGBA on white, or on black if its ink is light."""
    pixels = np.asarray(picture.convert("LA"), np.float32)
    grey, alpha = pixels[..., 0], pixels[..., 1]
    is_light = (grey * alpha).sum() > 127 * alpha.sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if is_light else "white"), picture)
