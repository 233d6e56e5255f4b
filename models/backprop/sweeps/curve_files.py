"""All curves of a sweep as a file: NumPy's .npz for storage, CSV for other programs."""

import io
from collections.abc import Iterator

import numpy as np

from models.backprop.network import Array


def to_npz(**arrays: Array) -> bytes:
    """Returns an .npz file. It is not compressed: curves barely shrink, and the file can be mapped into memory."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_npz(content: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


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
