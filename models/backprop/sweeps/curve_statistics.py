"""Statistics of loss curves, updated while the curves grow."""

import numpy as np

from models.backprop.network import Array

# A rise by less than this fraction of the first loss is a rounding error of float64.
RISE_TOLERANCE = 1e-14


class CurveStatistics:
    """The first and last loss of each curve, whether it ever rose, and when it first fell below each threshold."""

    def __init__(self, count: int, thresholds: list[float]) -> None:
        self.thresholds = thresholds
        self.has_risen = np.zeros(count, bool)
        self.reached = np.full((len(thresholds), count), -1)  # epochs; -1: not yet
        self.first = self.last = np.full(count, np.nan)

    def update(self, first_epoch: int, losses: Array) -> None:
        """Adds the epochs from `first_epoch` on: losses (epochs, curves)."""
        if first_epoch == 0:
            self.first, self.last = losses[0].copy(), losses[0].copy()
        tolerance = RISE_TOLERANCE * self.first
        self.has_risen |= (losses[0] > self.last + tolerance) | np.isnan(losses[-1])
        self.has_risen |= (losses[1:] > losses[:-1] + tolerance).any(axis=0)
        lowest = np.fmin.reduce(losses, axis=0)  # ignores the NaN that follow an overflow
        for reached, threshold in zip(self.reached, self.thresholds, strict=True):
            is_new = (reached < 0) & (lowest < threshold)
            reached[is_new] = first_epoch + (losses[:, is_new] < threshold).argmax(axis=0)
        self.last = losses[-1].copy()
