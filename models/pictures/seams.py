"""Splits touching digits along a seam: the path from top to bottom that crosses the least ink."""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats

DIAGONAL_COST = 0.05  # of a step to a neighbouring column; a pixel of full ink costs 1


def find_seam(ink: Floats, columns: NDArray[np.intp], *, band: int) -> NDArray[np.intp]:
    """The cheapest seam (height,) through ink (height, width) in 0..1: a column for each row.

    It stays within `band` pixels of one of `columns`, whichever is cheapest.
    """
    rows, width = ink.shape
    places = np.clip(columns[:, None] + np.arange(-band, band + 1), 0, width - 1)  # (columns, 2 band + 1)
    steps = np.zeros((rows, *places.shape), np.int8)  # to the place in the row below, -1, 0 or 1
    costs = ink[-1][places]
    for row in range(rows - 2, -1, -1):
        padded = np.pad(costs, ((0, 0), (1, 1)), constant_values=np.inf)
        below = np.stack([padded[:, 1:-1], padded[:, :-2] + DIAGONAL_COST, padded[:, 2:] + DIAGONAL_COST])
        steps[row] = np.array([0, -1, 1], np.int8)[below.argmin(axis=0)]
        costs = ink[row][places] + below.min(axis=0)
    best, place = np.unravel_index(int(costs.argmin()), costs.shape)
    seam = np.empty(rows, np.intp)
    for row in range(rows):
        seam[row] = places[best, place]
        place += steps[row, best, place]
    return seam
