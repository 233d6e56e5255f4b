"""Reads IDX files, the format of MNIST (LeCun et al. 1998), gzipped or not, from strangers."""

import gzip
import math
import re
import struct
import zlib
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.datasets.archives import show_name
from models.errors import ArchiveRefused, ArchiveTooLarge

MAX_IDX_BYTES = 2**28  # of the pictures in one file, unpacked
MAX_IDX_PICTURES = 100_000  # of all files together: MNIST has 70,000
MAX_SIDE = 1024  # pixels
CHUNK_BYTES = 2**20  # read at once

HEAD = struct.Struct(">HBB")  # two zero bytes, the type of the numbers, the dimensions
UNSIGNED_BYTE, GZIP = 8, b"\x1f\x8b"
FILE_NAME = re.compile(r"(train|t10k|test)[^/]*?(images|labels)[^/]*$", re.IGNORECASE)
NAMES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"

Bytes = NDArray[np.uint8]


class IdxPictures(NamedTuple):
    """Pictures (count, height, width) and their digits (count,); whether each belongs to the test set."""

    images: Bytes
    labels: Bytes
    is_test: NDArray[np.bool_]
    has_test: bool


def is_idx_name(name: str) -> bool:
    return FILE_NAME.search(name) is not None


def read_idx_files(files: dict[str, BinaryIO]) -> IdxPictures:
    """Returns the pictures of two IDX files (training) or four (training and test), by their names.

    Raises ArchiveRefused, ArchiveTooLarge.
    """
    found: dict[tuple[str, str], Bytes] = {}
    for name, file in files.items():
        match = FILE_NAME.search(name)
        if match is None:
            raise ArchiveRefused(f"{show_name(name)!r} is none of the IDX files {NAMES}.")
        part = "train" if match[1].lower() == "train" else "test"
        kind = match[2].lower()
        if (part, kind) in found:
            raise ArchiveRefused(f"There are two files of the {part} {kind}; {show_name(name)!r} is one of them.")
        found[part, kind] = _read(file, name, dimensions=3 if kind == "images" else 1)
    parts = ["train", "test"] if len(found) == 4 else ["train"]
    if set(found) != {(part, kind) for part in parts for kind in ("images", "labels")}:
        raise ArchiveRefused(f"Send {NAMES} (gzipped or not), or the first two of them.")
    return _join([(found[part, "images"], found[part, "labels"]) for part in parts])


def _join(parts: list[tuple[Bytes, Bytes]]) -> IdxPictures:
    for images, labels in parts:
        if len(images) != len(labels):
            raise ArchiveRefused(f"There are {len(images):,} pictures, but {len(labels):,} labels.")
        if len(labels) and labels.max() > 9:
            raise ArchiveRefused(f"A label is {labels.max()}; the labels must be the digits 0 to 9.")
    if len({images.shape[1:] for images, _ in parts}) > 1:
        raise ArchiveRefused("The training and the test pictures are not of one size.")
    if (total := sum(len(labels) for _, labels in parts)) > MAX_IDX_PICTURES:
        raise ArchiveTooLarge(f"There are {total:,} pictures, more than {MAX_IDX_PICTURES:,}. Send fewer.")
    is_test = np.concatenate([np.full(len(labels), number == 1) for number, (_, labels) in enumerate(parts)])
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return IdxPictures(images, labels, is_test, len(parts) == 2)


def _read(file: BinaryIO, name: str, *, dimensions: int) -> Bytes:
    shown = show_name(name)
    try:
        is_packed = file.read(2) == GZIP
        file.seek(0)
        return _read_array(gzip.GzipFile(fileobj=file) if is_packed else file, shown, dimensions)
    except (OSError, EOFError, zlib.error, ValueError, RuntimeError) as error:
        raise ArchiveRefused(f"The file {shown!r} is damaged: {error}.") from error


def _read_array(file: BinaryIO | gzip.GzipFile, shown: str, dimensions: int) -> Bytes:
    head = _read_exactly(file, HEAD.size)
    if len(head) < HEAD.size or HEAD.unpack(head) != (0, UNSIGNED_BYTE, dimensions):
        raise ArchiveRefused(f"The file {shown!r} is no IDX file of {dimensions} dimension(s) of bytes.")
    sizes = _read_exactly(file, 4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ArchiveRefused(f"The file {shown!r} is cut off.")
    shape = struct.unpack(f">{dimensions}I", sizes)
    if any(not 1 <= side <= MAX_SIDE for side in shape[1:]):
        raise ArchiveTooLarge(f"The pictures in {shown!r} must have 1 to {MAX_SIDE} pixels on each side.")
    if (size := math.prod(shape)) > MAX_IDX_BYTES:
        raise ArchiveTooLarge(f"The file {shown!r} unpacks to {size:,} bytes, more than {MAX_IDX_BYTES:,}.")
    content = _read_exactly(file, size)
    if len(content) < size or file.read(1):
        raise ArchiveRefused(f"The file {shown!r} has not the {size:,} bytes that its head declares.")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_exactly(file: BinaryIO | gzip.GzipFile, size: int) -> bytearray:
    """Reads `size` bytes, or up to the file's end. Memory grows with what is there, not with what a head declares."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(min(CHUNK_BYTES, size - len(content)))):
        content += chunk
    return content
