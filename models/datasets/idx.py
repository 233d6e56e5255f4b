"""Reads IDX files, the format of MNIST (LeCun et al. 1998), gzipped or not, from strangers."""

import math
import re
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.datasets.archives import ZIP_ERRORS, describe, show_name
from models.errors import ArchiveRefused, ArchiveTooLarge
from models.wording import counted

MAX_IDX_BYTES = 2**27  # of the pictures of all files together, unpacked: MNIST has 55 MB; of one file, packed
MAX_IDX_PICTURES = 100_000  # of all files together: MNIST has 70,000
MAX_SIDE = 1024  # pixels
CHUNK_BYTES = 2**20  # read at once

HEAD = struct.Struct(">HBB")  # two zero bytes, the type of the numbers, the dimensions
UNSIGNED_BYTE, GZIP = 8, b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS  # tells zlib to expect a gzip head
FILE_NAME = re.compile(
    r"(?:^|[/-])(train|t10k|test)-(?:(images)[-.]idx3|(labels)[-.]idx1)-ubyte(?:\.gz)?$", re.IGNORECASE
)  # with anything before, such as a folder or `emnist-digits-`
NAMES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"

Bytes = NDArray[np.uint8]
Shape = tuple[int, ...]


class IdxPictures(NamedTuple):
    """Pictures (count, height, width) and their digits (count,); whether each belongs to the test set."""

    images: Bytes
    labels: Bytes
    is_test: NDArray[np.bool_]
    has_test: bool


def is_idx_name(name: str) -> bool:
    return FILE_NAME.search(name) is not None


def read_idx_files(files: dict[str, BinaryIO], check: Callable[[], None] = lambda: None) -> IdxPictures:
    """Returns the pictures of two IDX files (training) or four (training and test), by their names.

    `check` is called between the chunks that are read; what it raises ends the reading. Raises ArchiveRefused,
    ArchiveTooLarge.
    """
    found: dict[tuple[str, str], tuple[BinaryIO, str]] = {}
    for name, file in files.items():
        match, shown = FILE_NAME.search(name), show_name(name)
        if match is None:
            raise ArchiveRefused(f"{shown!r} is none of the IDX files {NAMES}.")
        part, kind = "train" if match[1].lower() == "train" else "test", "images" if match[2] else "labels"
        if (part, kind) in found:
            raise ArchiveRefused(f"There are two files of the {part} {kind}; {shown!r} is one of them.")
        found[part, kind] = file, shown
    parts = ["train", "test"] if len(found) == 4 else ["train"]
    if set(found) != {(part, kind) for part in parts for kind in ("images", "labels")}:
        raise ArchiveRefused(f"Send {NAMES} (gzipped or not), or the first two of them.")
    images, labels = bytearray(), bytearray()  # of both parts, one after the other: nothing is copied
    shapes = list[Shape]()
    for part in parts:
        shapes.append(_read(*found[part, "images"], images, dimensions=3, check=check))
        [count] = _read(*found[part, "labels"], labels, dimensions=1, check=check)
        if count != shapes[-1][0]:
            raise ArchiveRefused(f"The files have {counted(shapes[-1][0], 'picture')}, but {counted(count, 'label')}.")
    return _join(images, labels, shapes)


def _join(images: bytearray, labels: bytearray, shapes: list[Shape]) -> IdxPictures:
    total = len(labels)
    if total > MAX_IDX_PICTURES:
        raise ArchiveTooLarge(f"There are {total:,} pictures, more than {MAX_IDX_PICTURES:,}. Send fewer.")
    if len({shape[1:] for shape in shapes}) > 1:
        raise ArchiveRefused("The training and the test pictures are not of one size.")
    digits = np.frombuffer(labels, np.uint8)
    if total and digits.max() > 9:
        raise ArchiveRefused(f"A label is {digits.max()}; the labels must be the digits 0 to 9.")
    pictures = np.frombuffer(images, np.uint8).reshape(total, *shapes[0][1:])
    return IdxPictures(pictures, digits, np.arange(total) >= shapes[0][0], len(shapes) == 2)


def _read(file: BinaryIO, shown: str, into: bytearray, *, dimensions: int, check: Callable[[], None]) -> Shape:
    """Append the content of an IDX file to `into`. Returns its shape."""
    try:
        return _read_array(_Reader(file, check), shown, into, dimensions)
    except ZIP_ERRORS as error:
        raise ArchiveRefused(f"The file {shown!r} is damaged: {describe(error)}.") from error


def _read_array(reader: "_Reader", shown: str, into: bytearray, dimensions: int) -> Shape:
    head = reader.read_exactly(HEAD.size)
    if len(head) < HEAD.size or HEAD.unpack(head) != (0, UNSIGNED_BYTE, dimensions):
        raise ArchiveRefused(f"The file {shown!r} is no IDX file of {dimensions} dimension(s) of bytes.")
    sizes = reader.read_exactly(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ArchiveRefused(f"The file {shown!r} is cut off.")
    shape: Shape = struct.unpack(f">{dimensions}I", sizes)
    if shape[0] > MAX_IDX_PICTURES:
        raise ArchiveTooLarge(f"The file {shown!r} is of {shape[0]:,} pictures, more than {MAX_IDX_PICTURES:,}.")
    if any(not 1 <= side <= MAX_SIDE for side in shape[1:]):
        raise ArchiveTooLarge(f"The pictures in {shown!r} must have 1 to {MAX_SIDE} pixels on each side.")
    size = math.prod(shape)
    if (total := len(into) + size) > MAX_IDX_BYTES:
        raise ArchiveTooLarge(
            f"The pictures of the IDX files take {total:,} bytes, more than {MAX_IDX_BYTES:,}. Send fewer."
        )
    if reader.read_into(into, size) < size or reader.read(1):
        raise ArchiveRefused(f"The file {shown!r} has not the {size:,} bytes that its head declares.")
    return shape


class _Reader:
    """Reads an IDX file, gzipped or not, in chunks, and calls `check` before each.

    gzip.GzipFile would skip the names in a gzip head byte by byte, and any number of empty members, in one call.
    """

    def __init__(self, file: BinaryIO, check: Callable[[], None]) -> None:
        self._file, self._check = file, check
        self._gzip = zlib.decompressobj(GZIP_WINDOW) if file.read(2) == GZIP else None
        self._packed_bytes = 0
        file.seek(0)

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes, at most CHUNK_BYTES; none only at the end."""
        size = min(size, CHUNK_BYTES)
        if self._gzip is None:
            self._check()
            return self._file.read(size)
        while not self._gzip.eof:
            packed = self._gzip.unconsumed_tail or self._read_packed()
            content = self._gzip.decompress(packed, size)
            if content:
                return content
            if not packed:
                raise EOFError("it is cut off")
        if self._gzip.unused_data or self._file.read(1):
            raise ValueError("something follows the packed content")
        return b""

    def _read_packed(self) -> bytes:
        self._check()
        packed = self._file.read(CHUNK_BYTES)
        self._packed_bytes += len(packed)
        if self._packed_bytes > MAX_IDX_BYTES:
            raise ArchiveTooLarge(f"A gzipped IDX file takes more than {MAX_IDX_BYTES:,} bytes.")
        return packed

    def read_exactly(self, size: int) -> bytes:
        """Returns `size` bytes, or what there is up to the file's end."""
        content = bytearray()
        self.read_into(content, size)
        return bytes(content)

    def read_into(self, content: bytearray, size: int) -> int:
        """Append `size` bytes to `content`, or what there is up to the file's end. Returns how many.

        Memory grows with what is there, not with what a head declares.
        """
        left = size
        while left and (chunk := self.read(left)):
            content += chunk
            left -= len(chunk)
        return size - left
