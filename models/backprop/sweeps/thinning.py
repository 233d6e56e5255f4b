"""Long curves, shortened for a reader without losing what matters: the first, last, lowest and highest points."""

import numpy as np

from models.backprop.network import Array

MOST_POINTS = 100_000  # of all the curves in one result: some 5 MB of JSON


def points_per_curve(curves: int, *, max_points: int) -> int:
    """`max_points`, or fewer where so many curves would make a result that is hard to send."""
    return max(10, min(max_points, MOST_POINTS // curves))


def kept_points(curve: Array, *, max_points: int) -> Array:
    """The indices of at most `max_points` points of a curve: evenly spread, with the extremes of its finite values."""
    if len(curve) <= max_points:
        return np.arange(len(curve))
    spread = np.linspace(0, len(curve) - 1, max_points - 2).round().astype(int)
    finite = np.flatnonzero(np.isfinite(curve))
    extremes = [finite[curve[finite].argmin()], finite[curve[finite].argmax()]] if len(finite) else []
    return np.unique(np.concatenate([spread, np.array(extremes, int)]))
