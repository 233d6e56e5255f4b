"""All curves of a sweep as a file: NumPy's .npz for storage, CSV for other programs."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from models.backprop.network import Array


def write_npz(file: BinaryIO, **arrays: Array) -> None:
    """Writes an .npz file, a few megabytes at a time.

    It is not compressed: curves barely shrink, and the file can be mapped into memory.
    """
    np.savez(file, allow_pickle=False, **arrays)


def to_npz(**arrays: Array) -> bytes:
    """Returns an .npz file."""
    file = io.BytesIO()
    write_npz(file, **arrays)
    return file.getvalue()


def from_npz(content: bytes, *names: str) -> dict[str, Array]:
    """Returns the arrays of these names, or all of them."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def to_csv(learning_rates: Array, losses: Array) -> Iterator[str]:
    """Yields lines of `epoch` and a column per learning rate; a cell is empty after a curve's end or an overflow."""
    yield "epoch," + ",".join(f"{rate!r}" for rate in learning_rates.tolist()) + "\n"
    write = repr if losses.dtype == np.float64 else "{:.7g}".format  # float32 has no more digits
    cells: Iterator[str]
    for epoch, row in enumerate(losses.T):
        if np.isfinite(row).all():
            cells = map(write, row.tolist())
        else:
            cells = (write(loss) if np.isfinite(loss) else "" for loss in row.tolist())
        yield f"{epoch}," + ",".join(cells) + "\n"
