"""All curves of a sweep as a file: NumPy's .npz for storage, CSV for other programs."""

import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import orjson

from models.backprop.network import Array

BLOCK_BYTES = 2**21  # of the curves that are in memory at once while they are written as CSV
LOCAL_HEADER_BYTES = 30  # of an entry in a zip file, before its name and its extra field


def to_npz(**arrays: Array) -> bytes:
    """Returns an .npz file. It is not compressed: curves barely shrink, and parts of it can be read (`StoredArray`)."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_npz(content: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


@dataclass(frozen=True)
class StoredArray:
    """An array of two dimensions in an .npz file on this machine, of which blocks of columns are read."""

    file: BinaryIO
    start: int  # of the first number in the file
    shape: tuple[int, int]
    dtype: np.dtype[np.floating]

    def columns(self, first: int, last: int) -> Array:
        """Returns the columns from `first` up to `last`, not included: (rows, last - first)."""
        (rows, width), size = self.shape, self.dtype.itemsize
        columns = np.empty((rows, last - first), self.dtype)
        for row in range(rows):
            start = self.start + (row * width + first) * size
            columns[row] = np.frombuffer(os.pread(self.file.fileno(), (last - first) * size, start), self.dtype)
        return columns


def open_array(file: BinaryIO, name: str) -> StoredArray:
    """Finds an array of two dimensions in an .npz file that `to_npz` has written."""
    with zipfile.ZipFile(file) as archive:
        entry = archive.getinfo(f"{name}.npy")
        with archive.open(entry) as member:
            np.lib.format.read_magic(member)
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
            header_bytes = member.tell()
    file.seek(entry.header_offset)
    header = file.read(LOCAL_HEADER_BYTES)
    name_bytes, extra_bytes = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    start = entry.header_offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes + header_bytes
    return StoredArray(file, start, (shape[0], shape[1]), dtype)


def read_rates(file: BinaryIO) -> Array:
    """Returns the learning rates in an .npz file."""
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        rates: Array = arrays["learning_rates"]
        return rates


def npz_to_csv(file: BinaryIO) -> Iterator[bytes]:
    """Yields the CSV of `to_csv`, a block of lines at a time, from an .npz file on this machine."""
    losses = open_array(file, "losses")
    rates, epochs = losses.shape
    block = max(1, BLOCK_BYTES // (rates * losses.dtype.itemsize))
    yield _head(read_rates(file))
    for first in range(0, epochs, block):
        yield from _lines(losses.columns(first, min(first + block, epochs)), first)


def to_csv(learning_rates: Array, losses: Array) -> Iterator[bytes]:
    """Yields lines of `epoch` and a column per learning rate; a cell is empty after a curve's end or an overflow."""
    yield _head(learning_rates)
    yield from _lines(losses, 0)


def _head(learning_rates: Array) -> bytes:
    return ("epoch," + ",".join(f"{rate!r}" for rate in learning_rates.tolist()) + "\n").encode()


def _lines(losses: Array, first_epoch: int) -> Iterator[bytes]:
    """Yields a line for each column of `losses` (rates, epochs); each number has the digits that its type needs."""
    for epoch, row in enumerate(losses.T, start=first_epoch):
        cells = orjson.dumps(np.ascontiguousarray(row), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].replace(b"null", b"")
        yield b"%d,%b\n" % (epoch, cells)
