"""Where a blot of ink may be cut into digits: paths from its top to its bottom that cross little ink."""

import numpy as np
from numpy.typing import NDArray

from models.pictures.decoding import Grey

BAND = 0.2  # of a digit's height: how far a cut strays to either side of its column
SIDESTEP = 0.05  # the cost of one pixel aside, where a pixel of full ink costs 1
CLOSEST = 0.2  # of a digit's height: between two cuts' columns
MOST_INK = 0.55  # of a digit's height: a cut that crosses more divides no two digits


def find_seams(ink: Grey, height: float) -> tuple[NDArray[np.intp], list[float]]:
    """The cuts from left to right, (count, rows), and the ink that each crosses, in pixels of full ink.

    `ink` is 0..1, `height` that of a digit. A cut is a column for every row: what lies left of it, itself included, is
    left. Two cuts may meet but never cross.
    """
    width = ink.shape[1]
    nearest = max(1, round(CLOSEST * height))
    columns = np.arange(nearest, width - nearest)
    if not len(columns):
        return np.empty((0, len(ink)), np.intp), []
    seams, costs = _cheapest(ink, columns, max(1, round(BAND * height)))
    chosen: list[int] = []
    for index in np.argsort(costs, kind="stable"):
        if costs[index] > MOST_INK * height:
            break
        if all(abs(index - other) >= nearest for other in chosen):
            chosen.append(int(index))
    cuts = np.sort(seams[sorted(chosen)], axis=0)  # row by row: where two would cross, they meet and part again
    return cuts, [float(ink[np.arange(len(ink)), cut].sum()) for cut in cuts]


def _cheapest(ink: Grey, columns: NDArray[np.intp], band: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each column the path that crosses the least ink and strays by at most `band`; and what it costs."""
    rows, width = ink.shape
    places = np.clip(columns[:, None] + np.arange(-band, band + 1), 0, width - 1)  # (columns, 2 band + 1)
    ways = np.zeros((rows, *places.shape), np.int8)
    costs = ink[-1][places]
    for row in range(rows - 2, -1, -1):
        padded = np.pad(costs, ((0, 0), (1, 1)), constant_values=np.inf)
        below = np.stack([padded[:, 1:-1], padded[:, :-2] + SIDESTEP, padded[:, 2:] + SIDESTEP])
        ways[row] = np.array([0, -1, 1], np.int8)[below.argmin(axis=0)]
        costs = ink[row][places] + below.min(axis=0)
    at, every = costs.argmin(axis=1), np.arange(len(columns))
    totals: NDArray[np.float32] = costs[every, at]
    seams = np.empty((len(columns), rows), np.intp)
    for row in range(rows):
        seams[:, row] = places[every, at]
        at = at + ways[row, every, at]
    return seams, totals
