"""The loop of gradient descent, and what is noted of each loss curve while it grows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.small_networks import Networks

# A rise by less than this share of the first loss is the rounding of float64 and no rise.
RISE_TOLERANCE = 1e-14

Watch = Callable[[int, Array, Array], None]


@dataclass(frozen=True)
class Stop:
    """When a network stops early: below a loss, or after so many epochs without a new lowest loss."""

    target_loss: float | None = None
    patience: int | None = None


def descend(networks: Networks, *, epochs: int, window: int, watch: Watch, stop: Stop | None = None) -> Array:
    """Train for `epochs` epochs; an epoch is one step of all weights at once. Gives the last epoch of each network.

    `watch(first, losses, norms)` is called with `window` epochs at a time, both arrays (epochs, networks), starting
    with epoch 0: the loss before training. The arrays are used again afterwards.
    """
    count = len(networks.learning_rates)
    losses, norms = np.empty((2, min(window, epochs + 1), count))
    stopper = _Stopper(networks, stop, epochs)
    with np.errstate(all="ignore"):  # a diverging network overflows; its curve says so
        for first in range(0, epochs + 1, window):
            size = min(window, epochs + 1 - first)
            for row in range(size):
                if first + row > 0:
                    networks.step()
                networks.evaluate(losses[row], norms[row])
                if stop is not None:
                    stopper.look(first + row, losses[row])
            np.sqrt(norms[:size], out=norms[:size])
            watch(first, losses[:size], norms[:size])
            if stopper.is_over:
                break
    return stopper.last_epochs


class _Stopper:
    """Stops a network by setting its learning rate to zero: its weights stay, the others go on."""

    def __init__(self, networks: Networks, stop: Stop | None, epochs: int) -> None:
        count = len(networks.learning_rates)
        self.last_epochs = np.full(count, epochs)
        self._rates, self._stop, self._epochs = networks.learning_rates, stop or Stop(), epochs
        self._lowest, self._lowest_epoch = np.full(count, np.inf), np.zeros(count, int)

    @property
    def is_over(self) -> bool:
        return not self._rates.any()

    def look(self, epoch: int, loss: Array) -> None:
        is_lower = loss < self._lowest
        self._lowest = np.where(is_lower, loss, self._lowest)
        self._lowest_epoch[is_lower] = epoch
        ends = loss < (self._stop.target_loss or 0)
        if self._stop.patience is not None:
            ends |= epoch - self._lowest_epoch >= self._stop.patience
        ends &= self._rates > 0
        self.last_epochs[ends] = epoch
        self._rates[ends] = 0


class Notes:
    """What is known of each curve so far: whether it ever rose, and when it first went below each threshold."""

    def __init__(self, count: int, thresholds: list[float]) -> None:
        self.thresholds = thresholds
        self.has_risen = np.zeros(count, bool)
        self.reached = np.full((len(thresholds), count), -1)  # -1: not yet
        self.first = self.last = np.full(count, np.nan)

    def add(self, first_epoch: int, losses: Array) -> None:
        if first_epoch == 0:
            self.first, self.last = losses[0].copy(), losses[0].copy()
        tolerance = RISE_TOLERANCE * self.first
        self.has_risen |= (losses[0] > self.last + tolerance) | np.isnan(losses[-1])
        self.has_risen |= (losses[1:] > losses[:-1] + tolerance).any(axis=0)
        lowest = np.fmin.reduce(losses, axis=0)  # what comes after an overflow is no number, and no minimum
        for reached, threshold in zip(self.reached, self.thresholds, strict=True):
            is_new = (reached < 0) & (lowest < threshold)
            reached[is_new] = first_epoch + (losses[:, is_new] < threshold).argmax(axis=0)
        self.last = losses[-1].copy()
