"""Decodes a picture of any format, mode, depth, transparency and orientation to upright pixels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.arrays import Floats
from models.errors import PictureRefused
from models.pictures.opening import DECODER_ERRORS, Size, require_descriptors

MAX_SIDE = 1024  # pixels: larger pictures are reduced to it; small digits still have their detail

MAX_LEVEL, MIN_SPAN = 1e30, 1e-30  # of floating-point levels

ORIENTATION_TAG = 0x0112  # of EXIF
SAMPLE_FORMAT = 339  # of TIFF: 1 for numbers without a sign
TRANSPOSITIONS = {  # that undo each orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

AVERAGEABLE = {"1": "L", "La": "LA", "LAB": "RGB", "YCbCr": "RGB"}  # by the mode of the picture
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height


class Decoded(NamedTuple):
    """A picture that is decoded, reduced and upright."""

    upright: Image.Image  # in mode L or RGB, at most 1024 pixels long
    reduction: float  # pixels of `upright` for one of the original
    size: Size  # of the original, upright


def decode(picture: Image.Image | Decoded) -> Decoded:
    """Decode the picture, unless that is done already. Raises PictureRefused if the picture is damaged."""
    if isinstance(picture, Decoded):
        return picture
    size = picture.size  # decoding a JPEG changes it
    try:
        if max(size) > MAX_SIDE:
            picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # decodes a JPEG at a fraction of its size
        picture.load()
        orientation = _read_orientation(picture)
        small = _to_averageable_mode(picture)
        small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    except MemoryError as error:
        raise PictureRefused("There is not enough memory to decode the picture. Send a smaller one.") from error
    except DECODER_ERRORS as error:
        require_descriptors(error)
        raise PictureRefused(f"The picture is damaged or cut off ({error}).") from error
    reduction = max(small.size) / max(size)
    if small.has_transparency_data:
        small = _flatten(small.convert("RGBA"))
    upright = small if orientation not in TRANSPOSITIONS else small.transpose(TRANSPOSITIONS[orientation])
    upright = upright if upright.mode in ("L", "RGB") else upright.convert("RGB")
    return Decoded(upright, reduction, size[::-1] if orientation in SIDEWAYS else size)


def _read_orientation(picture: Image.Image) -> int:
    """The orientation in the picture's EXIF data; 1, which is upright, if they cannot be read."""
    if picture.format == "BMP" or (picture.format == "PNG" and "exif" not in picture.info):
        return 1  # `getexif` would take longer than the whole prediction
    try:
        orientation = picture.getexif().get(ORIENTATION_TAG, 1)
        return int(orientation) if orientation in TRANSPOSITIONS else 1
    except (*DECODER_ERRORS, AttributeError, KeyError):
        return 1


def _to_averageable_mode(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: without a palette, 8 bits a channel."""
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA")
    if picture.mode.startswith("I"):  # 16 bits, of which some cameras use only 12; a TIFF may have 32
        levels = np.maximum(_read_integers(picture), 0)
        return Image.fromarray((levels >> max(0, int(levels.max()).bit_length() - 8)).astype(np.uint8))
    if picture.mode == "F":
        return _scale(np.asarray(picture))
    return picture.convert(AVERAGEABLE[picture.mode]) if picture.mode in AVERAGEABLE else picture


def _read_integers(picture: Image.Image) -> NDArray[Any]:
    levels = np.asarray(picture)
    tags = getattr(picture, "tag_v2", {})  # of a TIFF; Pillow reads 32 bits as if they always had a sign
    return levels.view(np.uint32) if levels.dtype == np.int32 and tags.get(SAMPLE_FORMAT, (1,))[0] == 1 else levels


def _scale(levels: Floats) -> Image.Image:
    """Floating-point levels, from the darkest to the brightest, as 0 to 255."""
    known = np.clip(np.nan_to_num(levels, posinf=0, neginf=0), -MAX_LEVEL, MAX_LEVEL)
    span = float(np.ptp(known))
    scaled = (known - known.min()) * (255 / span) if span > MIN_SPAN else np.zeros_like(known)
    return Image.fromarray(scaled.astype(np.uint8))


def _flatten(picture: Image.Image) -> Image.Image:
    """A transparent picture in mode RGBA on white, or on black if its ink is light."""
    pixels = np.asarray(picture.convert("LA"), np.float32)
    grey, alpha = pixels[..., 0], pixels[..., 1]
    is_light = (grey * alpha).sum() > 127 * alpha.sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if is_light else "white"), picture)
