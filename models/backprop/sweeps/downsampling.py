"""Downsampling of long curves: the first, last, lowest and highest points are kept."""

import numpy as np

from models.backprop.network import Array

MAX_POINTS = 100_000  # in all curves of one result: some 5 MB of JSON


def points_per_curve(curves: int, *, max_points: int) -> int:
    """Returns `max_points`, or fewer if all curves together would exceed MAX_POINTS; at least 10."""
    return max(10, min(max_points, MAX_POINTS // curves))


def select_points(curve: Array, *, max_points: int) -> Array:
    """Returns the indices of at most `max_points` points, evenly spread, with the lowest and highest finite ones."""
    if len(curve) <= max_points:
        return np.arange(len(curve))
    spread = np.linspace(0, len(curve) - 1, max_points - 2).round().astype(int)
    finite = np.flatnonzero(np.isfinite(curve))
    extremes = [finite[curve[finite].argmin()], finite[curve[finite].argmax()]] if len(finite) else []
    return np.unique(np.concatenate([spread, np.array(extremes, int)]))
