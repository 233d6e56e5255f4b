"""The loop of a training over many networks at once, epoch by epoch, with early stopping."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.backprop.network import Array

WindowCallback = Callable[[int, Array, Array], None]


class Networks(Protocol):
    """Networks of one shape that start from the same weights and differ only in their learning rates."""

    learning_rates: Array  # (networks,); a rate of 0 leaves a network unchanged

    def evaluate(self, loss: Array, squared_norm: Array) -> None:
        """Writes the loss over all samples and the squared norm of its gradient, both (networks,)."""

    def step(self) -> None:
        """Takes the steps of one epoch by the task's rule, after an `evaluate`, whose gradients it may use."""

    def parameters(self) -> Array:
        """Returns all weights and biases: (parameters, networks)."""
        ...

    def outputs(self) -> Array:
        """Returns the outputs of the last `evaluate`: (networks, samples, units)."""
        ...


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a network's training below a loss, or after `patience` epochs without a new lowest loss."""

    target_loss: float | None = None
    patience: int | None = None


def descend(
    networks: Networks,
    *,
    epochs: int,
    window: int,
    on_window: WindowCallback,
    early_stopping: EarlyStopping | None = None,
    on_epoch: Callable[[int], None] = lambda _: None,
) -> Array:
    """Trains for `epochs` epochs of steps by the task's rule. Returns the last epoch of each network.

    Calls `on_window(first, losses, gradient_norms)` after every `window` epochs, with arrays (epochs, networks) that
    the next window overwrites. Epoch 0 is the loss before training. `on_epoch(epoch)` is called while the networks have
    the weights of that epoch.
    """
    count = len(networks.learning_rates)
    losses, norms = np.empty((2, min(window, epochs + 1), count))
    stopper = _Stopper(networks, early_stopping or EarlyStopping(), epochs)
    with np.errstate(all="ignore"):  # a diverging network overflows; its curve shows it
        for first in range(0, epochs + 1, window):
            size = min(window, epochs + 1 - first)
            for row in range(size):
                if first + row > 0:
                    networks.step()
                networks.evaluate(losses[row], norms[row])
                on_epoch(first + row)
                if early_stopping is not None:
                    stopper.update(first + row, losses[row])
            np.sqrt(norms[:size], out=norms[:size])
            on_window(first, losses[:size], norms[:size])
            if stopper.has_stopped_all:
                break
    return stopper.last_epochs


class _Stopper:
    """Stops a network by setting its learning rate to zero, while the others go on."""

    def __init__(self, networks: Networks, early_stopping: EarlyStopping, epochs: int) -> None:
        count = len(networks.learning_rates)
        self.last_epochs = np.full(count, epochs)
        self._rates, self._early_stopping = networks.learning_rates, early_stopping
        self._lowest, self._lowest_epoch = np.full(count, np.inf), np.zeros(count, int)

    @property
    def has_stopped_all(self) -> bool:
        return not self._rates.any()

    def update(self, epoch: int, loss: Array) -> None:
        is_lower = loss < self._lowest
        self._lowest = np.where(is_lower, loss, self._lowest)
        self._lowest_epoch[is_lower] = epoch
        ends = loss < (self._early_stopping.target_loss or 0)
        if self._early_stopping.patience is not None:
            ends |= epoch - self._lowest_epoch >= self._early_stopping.patience
        ends &= self._rates > 0
        self.last_epochs[ends] = epoch
        self._rates[ends] = 0
