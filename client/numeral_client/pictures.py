"""Pictures of any common kind as bytes that the service reads."""

from __future__ import annotations

import io
import math
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from numbers import Real
from pathlib import Path
from typing import Any

Picture = Any  # path | bytes | binary file | PIL.Image.Image | NumPy array, or what NumPy makes one of

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}  # in a folder
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
MAX_UNCLEAR = 16  # 2 to 16 may be dark values of 0 to 255, or those of a set of digits with 17 levels
COLOURS = {1: 0, 3: 2, 4: 6}  # the PNG colour type, by channels


def encode(picture: Picture, *, scale: float | None = None) -> bytes:
    """The bytes of a picture file.

    Paths, bytes, binary files and PIL images may be of any format that the service reads. Arrays are (height, width),
    (height, width, 3 or 4), with axes of length one anywhere, or 784 numbers. `scale` is the value of white, where 0 is
    black. Without it, the usual scales are told apart: uint8; 0 to 1 (also bool), -1 to 1, 0 to 255 and, of integers, 0
    to 65,535. For all else it must be given, also where the largest value is 2 to 16.

    Dark ink on light and bright ink on dark are both read: the service finds out which it is. An array that is in
    MNIST's form already (28x28, bright ink on dark, centred) is taken as it is.

    Raises ValueError for an array whose shape or scale is not clear, and for a `scale` that is no number above 0;
    OSError for a file that cannot be read.
    """
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return bytes(picture)
    if isinstance(picture, (str, os.PathLike)):
        with open(picture, "rb") as file:
            return file.read()
    if hasattr(picture, "save") and hasattr(picture, "mode"):  # a PIL image; Pillow need not be installed
        content = io.BytesIO()
        kept = picture if picture.mode in PNG_MODES else picture.convert("RGB")
        kept.save(content, "PNG", exif=picture.getexif())  # a photo may say there which way up it is
        return content.getvalue()
    if hasattr(picture, "read"):
        return bytes(picture.read())
    return encode_array(picture, scale=scale)


def encode_array(array: Any, *, scale: float | None = None) -> bytes:
    """A PNG of an array; see `encode`."""
    import numpy  # only who has an array needs it

    if scale is not None and not (isinstance(scale, Real) and 0 < scale < math.inf):
        raise ValueError(f"scale is the value of white, a number above 0, not {scale!r}")
    pixels = numpy.asarray(array)
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"a picture is a path, bytes, a PIL image or an array of numbers, not {type(array).__name__}")
    shape = tuple(side for side in pixels.shape if side != 1)
    pixels = pixels.reshape((28, 28) if shape == (784,) else shape)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and shape[2] not in (3, 4)) or not pixels.size:
        several = "; for several pictures take predict_many" if pixels.ndim > 2 else ""
        raise ValueError(
            f"an array of shape {numpy.shape(array)} is no picture: give (height, width), (height, width, 3 or 4) or "
            f"784 numbers{several}"
        )
    if not numpy.isfinite(pixels).all():
        raise ValueError("the array has values that are not finite numbers (NaN or infinity)")
    low, high = float(pixels.min()), float(pixels.max())
    black, white = _find_scale(pixels.dtype, low, high) if scale is None else (0, scale)
    if not (low >= black and high <= white):
        raise ValueError(f"the array has values from {low:g} to {high:g}, outside {black:g} to {white:g}")
    levels = numpy.rint((pixels.astype(numpy.float64) - black) * (255 / (white - black))).astype(numpy.uint8)
    height, width, *channels = levels.shape
    rows = numpy.hstack([numpy.zeros((height, 1), numpy.uint8), levels.reshape(height, -1)])  # filter 0 before each row
    head = struct.pack(">IIBBBBB", width, height, 8, COLOURS[channels[0] if channels else 1], 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def find_pictures(pictures: Iterable[Picture] | str | os.PathLike[str]) -> Iterable[Picture]:
    """The pictures that are meant: as they are given, or those of a folder at any depth, sorted by name.

    Raises ValueError for a picture alone, whose bytes or rows are no pictures.
    """
    if isinstance(pictures, (str, os.PathLike)):
        path = Path(pictures)
        return (
            [each for each in sorted(path.rglob("*")) if each.suffix.lower() in SUFFIXES] if path.is_dir() else [path]
        )
    if isinstance(pictures, (bytes, bytearray, memoryview)) or hasattr(pictures, "read") or _is_one_array(pictures):
        raise ValueError("this is one picture, which predict takes; predict_many takes several, such as [picture]")
    return pictures


def _is_one_array(pictures: Any) -> bool:
    """Whether an array of numbers is one picture: what it holds are rows."""
    if getattr(getattr(pictures, "dtype", None), "kind", "O") not in "buif":
        return False
    row = [side for side in pictures.shape[1:] if side != 1]
    return row != [784] and (len(row) < 2 or (len(row) == 2 and row[1] in COLOURS))


def batches(pictures: Iterable[bytes], *, max_pictures: int = 256, max_bytes: int = 2**24) -> Iterator[list[bytes]]:
    """The pictures, as many at once as one request may hold."""
    batch: list[bytes] = []
    for picture in pictures:
        if batch and (len(batch) == max_pictures or sum(map(len, batch)) + len(picture) > max_bytes):
            yield batch
            batch = []
        batch.append(picture)
    if batch:
        yield batch


def _find_scale(kind: Any, low: float, high: float) -> tuple[float, float]:
    """The values of black and white."""
    if kind == "uint8" or (low >= 0 and MAX_UNCLEAR < high <= 255):
        return 0, 255
    if low >= 0 and high <= 1:
        return 0, 1
    if kind.kind == "f" and low >= -1 and high <= 1:
        return -1, 1
    if kind.kind in "ui" and low >= 0 and 255 < high <= 65_535:
        return 0, 65_535
    raise ValueError(
        f"the scale of this array is not clear ({kind}, values from {low:g} to {high:g}): give scale=, the value of "
        "white, such as 255"
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
