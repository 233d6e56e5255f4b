"""Any picture of a digit to 28x28 as MNIST was made.

MNIST (LeCun et al. 1998): the ink's longer side is scaled to 20 pixels, aspect and grey levels kept, and the centre of
mass is put at the centre of a 28x28 field, bright ink on dark.
"""

import io
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from models.errors import PictureRefused, PictureTooLarge

Grey = NDArray[np.float32]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
LARGEST_PIXELS = 64_000_000  # a 64-megapixel photo; decoding it takes up to half a gigabyte
WORKING_SIDE = 640  # larger pictures are reduced first: the digit ends at 20 pixels anyway
FAINTEST_INK = 24.0  # of 255: less contrast than this is a blank page

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


@dataclass(frozen=True)
class Normalised:
    """The 28x28 picture, uint8, and how it was made. `box` is (left, top, right, bottom) of the ink, in pixels
    of the upright original; None where there is no ink.
    """

    image: NDArray[np.uint8]  # (28, 28)
    inverted: bool
    box: tuple[int, int, int, int] | None
    scale: float
    shift: tuple[int, int]
    ink: float  # the share of the 28x28 field's pixels that carry ink, 0..1

    @property
    def is_blank(self) -> bool:
        return self.box is None


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


def normalise(picture: Image.Image) -> Normalised:
    """Decode the picture and bring its digit to MNIST's form. Raises PictureRefused if it is damaged."""
    grey, reduction = _to_grey(picture)
    inverted = bool(np.median(_border(grey)) > 127)
    ink = 255 - grey if inverted else grey
    ink = np.clip(ink - np.median(_border(ink)), 0, None)  # the ground is zero
    if ink.max() < FAINTEST_INK:
        return Normalised(np.zeros((28, 28), np.uint8), inverted, None, 1.0, (0, 0), 0.0)
    ink *= 255 / ink.max()
    ink[ink < _threshold(ink) / 2] = 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    field, scale, shift = _centre(ink[top:bottom, left:right])
    box = (
        int(left / reduction),
        int(top / reduction),
        int(np.ceil(right / reduction)),
        int(np.ceil(bottom / reduction)),
    )
    return Normalised(field, inverted, box, scale * reduction, shift, float((field > 0).mean()))


def _to_grey(picture: Image.Image) -> tuple[Grey, float]:
    """The upright picture in grey, 0..255, at most 640 pixels long, and by how much it was reduced."""
    longest = max(picture.size)
    try:
        picture.draft("L", (WORKING_SIDE, WORKING_SIDE))  # a JPEG is decoded at a fraction of its size
        picture.load()
        turn = _orientation(picture)
        small = _averageable(picture)
        small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    except DECODER_ERRORS as error:
        raise PictureRefused(f"The picture is damaged or cut off ({error}).") from error
    if small.has_transparency_data:
        small = _on_paper(small.convert("RGBA"))
    upright = small if turn is None else small.transpose(turn)
    return np.asarray(upright.convert("L"), np.float32), max(small.size) / longest


def _orientation(picture: Image.Image) -> Image.Transpose | None:
    """How the EXIF data wants the picture turned; nothing where they cannot be read."""
    try:
        return TURNS.get(picture.getexif().get(ORIENTATION_TAG, 1))
    except (*DECODER_ERRORS, AttributeError, KeyError):
        return None


def _averageable(picture: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: no palette, no single bits, 8 bits a channel."""
    if picture.mode in ("P", "PA"):
        return picture.convert("RGBA")
    if picture.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture.convert("L") if picture.mode == "1" else picture


def _on_paper(picture: Image.Image) -> Image.Image:
    """A partly transparent picture on white, or on black where its ink is light."""
    pixels = np.asarray(picture.convert("LA"), np.float32)
    grey, alpha = pixels[..., 0], pixels[..., 1]
    is_light = (grey * alpha).sum() > 127 * alpha.sum()
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if is_light else "white"), picture)


def _border(grey: Grey) -> Grey:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _threshold(ink: Grey) -> float:
    """The grey level that best separates ink from ground (Otsu 1979)."""
    counts = np.bincount(ink.astype(np.uint8).ravel(), minlength=256).astype(np.float64)
    weight, levels = counts.cumsum(), np.arange(256)
    total, moment = weight[-1], (counts * levels).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * weight / total - moment) ** 2 / (weight * (total - weight))
    return float(np.nan_to_num(between).argmax())


def _centre(ink: Grey) -> tuple[NDArray[np.uint8], float, tuple[int, int]]:
    """The ink scaled to 20 pixels and placed in 28x28 by its centre of mass; the scale and the shift (x, y) from
    where its box would have been centred."""
    height, width = ink.shape
    scale = 20 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(
        Image.fromarray(ink).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC)
    )
    small = np.clip(small, 0, 255)
    small = small * (255 / small.max())
    mass = small.sum()
    x = (small.sum(axis=0) * np.arange(size[0])).sum() / mass
    y = (small.sum(axis=1) * np.arange(size[1])).sum() / mass
    left = int(np.clip(round(13.5 - x), 0, 28 - size[0]))
    top = int(np.clip(round(13.5 - y), 0, 28 - size[1]))
    field = np.zeros((28, 28), np.uint8)
    field[top : top + size[1], left : left + size[0]] = small.round()
    return field, scale, (left - (28 - size[0]) // 2, top - (28 - size[1]) // 2)
