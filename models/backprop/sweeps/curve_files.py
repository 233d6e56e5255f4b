"""All the curves of a sweep as a file: NumPy's .npz to keep, CSV to open anywhere."""

import io
from collections.abc import Iterator

import numpy as np

from models.backprop.network import Array


def to_npz(**arrays: Array) -> bytes:
    """The arrays by name, not compressed: curves barely shrink, and the file can be mapped into memory."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_npz(content: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def to_csv(learning_rates: Array, losses: Array) -> Iterator[str]:
    """`epoch` and one column per learning rate, a line at a time; empty where a curve has ended or overflowed."""
    yield "epoch," + ",".join(f"{rate!r}" for rate in learning_rates.tolist()) + "\n"
    write = repr if losses.dtype == np.float64 else "{:.7g}".format  # float32 has no more digits
    cells: Iterator[str]
    for epoch, row in enumerate(losses.T):
        if np.isfinite(row).all():
            cells = map(write, row.tolist())
        else:
            cells = (write(loss) if np.isfinite(loss) else "" for loss in row.tolist())
        yield f"{epoch}," + ",".join(cells) + "\n"
