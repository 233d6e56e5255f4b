"""Where a blot of ink is cut into two digits: the path from its top to its bottom that crosses the least ink."""

import numpy as np
from numpy.typing import NDArray

from models.pictures.decoding import Grey

SIDESTEP = 0.05  # the cost of one pixel aside, where a pixel of full ink costs 1


def find_seam(ink: Grey, columns: NDArray[np.intp], *, band: int) -> NDArray[np.intp]:
    """The cheapest cut of ink 0..1 around one of `columns`: a column for every row; what lies left of it is left.

    It strays by at most `band` pixels to either side.
    """
    rows, width = ink.shape
    places = np.clip(columns[:, None] + np.arange(-band, band + 1), 0, width - 1)  # (columns, 2 band + 1)
    ways = np.zeros((rows, *places.shape), np.int8)
    costs = ink[-1][places]
    for row in range(rows - 2, -1, -1):
        padded = np.pad(costs, ((0, 0), (1, 1)), constant_values=np.inf)
        below = np.stack([padded[:, 1:-1], padded[:, :-2] + SIDESTEP, padded[:, 2:] + SIDESTEP])
        ways[row] = np.array([0, -1, 1], np.int8)[below.argmin(axis=0)]
        costs = ink[row][places] + below.min(axis=0)
    best, at = np.unravel_index(int(costs.argmin()), costs.shape)
    seam = np.empty(rows, np.intp)
    for row in range(rows):
        seam[row] = places[best, at]
        at += ways[row, best, at]
    return seam
