"""Digits, zip archives and IDX files for tests of data sets."""

import gzip
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

IDX_NAMES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip


def draw_digit(digit: int, number: int = 0, *, size: int = 100) -> bytes:
    """A PNG of a printed digit, dark on light; another one for each number."""
    picture = Image.new("L", (size, size), 235)
    place = size / 2 + number % 5 - 2, size / 2 + number // 5 % 5 - 2
    font = ImageFont.load_default(0.6 * size + number // 25)
    ImageDraw.Draw(picture).text(place, str(digit), 30, font, anchor="mm")
    return as_png(picture)


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def make_zip(files: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(name, content)
    return file.getvalue()


def zip_of_digits(counts: Mapping[int, int]) -> bytes:
    """A zip of so many pictures of each digit."""
    return make_zip({f"{digit}/{n}.png": draw_digit(digit, n) for digit, count in counts.items() for n in range(count)})


def make_idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def idx_files(*parts: tuple[NDArray[np.uint8], NDArray[np.uint8]], is_packed: bool = False) -> list[tuple[str, bytes]]:
    """The IDX files of (images, labels) for training, and for testing if there is a second part."""
    contents = [make_idx(np.asarray(array, np.uint8)) for part in parts for array in part]
    names = IDX_NAMES[: len(contents)]
    if is_packed:
        return [(f"{name}.gz", gzip.compress(content)) for name, content in zip(names, contents, strict=True)]
    return list(zip(names, contents, strict=True))
