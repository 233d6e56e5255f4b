"""Tensors as the protocol writes them: as numbers in JSON or as little-endian bytes beside it."""

import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import InvalidInput
from models.wording import counted

Floats = NDArray[np.float32]

INPUT = "image"
PICTURE = (1, 28, 28)
PICTURE_BYTES = 4 * 28 * 28
ONE_AS_BITS = int(np.float32(1).view(np.uint32))
MAX_PICTURES = 1024  # in one request: 3.2 MB in binary


def from_bytes(content: bytes, count: int) -> Floats:
    """Pictures (count, 1, 28, 28) out of float32 bytes, row by row. Raises InvalidInput."""
    if len(content) != count * PICTURE_BYTES:
        raise InvalidInput(
            f"The binary data of {INPUT!r} has {counted(len(content), 'byte')}; shape {[count, *PICTURE]} of FP32 "
            f"takes {count * PICTURE_BYTES:,}."
        )
    pixels: Floats = np.frombuffer(content, "<f4").reshape(count, *PICTURE)
    _require_range(pixels)
    return pixels


def from_json(data: Any, count: int) -> Floats:
    """Pictures (count, 1, 28, 28) out of a flat list, or of lists nested as the shape says. Raises InvalidInput."""
    numbers = _flatten(data, (count, *PICTURE))
    if not {type(number) for number in numbers} <= {int, float}:
        raise InvalidInput(f"The data of {INPUT!r} must be numbers only.")
    pixels = np.array(numbers, np.float64)
    _require_range(pixels)
    return pixels.astype(np.float32).reshape(count, *PICTURE)


def bytes_tensor(texts: Sequence[str]) -> bytes:
    """Elements of type BYTES: of each its length as uint32, then its bytes."""
    return b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)


def _flatten(values: Any, shape: tuple[int, ...]) -> list[Any]:
    if not isinstance(values, list):
        raise InvalidInput(f"The input {INPUT!r} needs `data`, a list, or `parameters.binary_data_size`.")
    data: list[Any] = values
    if data and isinstance(data[0], list):
        _require_lengths([data], shape[0])
        for length in shape[1:]:
            _require_lengths(data, length)
            data = list(chain.from_iterable(data))
    if len(data) != math.prod(shape):
        raise InvalidInput(
            f"The data of {INPUT!r} has {counted(len(data), 'element')}; shape {list(shape)} has {math.prod(shape)}."
        )
    return data


def _require_lengths(rows: list[Any], length: int) -> None:
    if not all(isinstance(row, list) and len(row) == length for row in rows):
        raise InvalidInput(f"The data of {INPUT!r} must be a flat list or be nested exactly as its shape says.")


def _require_range(pixels: NDArray[Any]) -> None:
    if pixels.dtype == np.float32 and pixels.view(np.uint32).max() <= ONE_AS_BITS:
        return  # the bits of 0..1, read as whole numbers, are the smallest: one pass over the pixels instead of two
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # false for NaN too
        raise InvalidInput(
            f"The values of {INPUT!r} must be numbers from 0 to 1, bright ink on a dark background: "
            "there are others (divide 0..255 by 255)."
        )
