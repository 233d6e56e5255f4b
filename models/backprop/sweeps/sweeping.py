"""A sweep: one task trained at many learning rates, block by block, with every curve kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.curves import Notes, Stop, descend
from models.backprop.sweeps.dense_networks import DenseNetworks
from models.backprop.sweeps.networks import Task
from models.backprop.sweeps.small_networks import Networks, SmallNetworks

CACHED_NUMBERS = 64_000  # float64 that one block of networks may hold: half a megabyte stays in a core's cache
WINDOW_NUMBERS = 1_000_000  # multiplications between two reports of progress: some milliseconds
EXACT_POINTS = 10_000_000  # above it losses are kept as float32 (7 digits), so that 50 million fit a worker of 2 GB


@dataclass(frozen=True)
class Sweep:
    """What came of every learning rate. A curve has NaN past its last epoch and where it overflowed."""

    learning_rates: Array  # (rates,)
    losses: Array  # (rates, epochs + 1), from before training on
    gradient_norms: Array  # the same shape, float32
    last_epochs: Array  # (rates,)
    parameters: Array  # (rates, parameters), at the end
    outputs: Array  # (rates, samples, units), at the end
    has_risen: Array  # (rates,)
    reached: Array  # (thresholds, rates): the first epoch below each, or -1
    first_losses: Array  # (rates,), float64 whatever `losses` is
    last_losses: Array


@dataclass(frozen=True)
class Block:
    """What came of the learning rates in `rates`, once they are done."""

    rates: slice
    sweep: Sweep


def sweep(
    task: Task,
    learning_rates: list[float],
    *,
    epochs: int,
    thresholds: list[float],
    stop: Stop | None = None,
    after_window: Callable[[int], None] = lambda _: None,
    after_block: Callable[[Block], None] = lambda _: None,
) -> Sweep:
    """Train one network per learning rate from the same weights.

    `after_window(steps)` is called every few milliseconds with the steps made so far, `after_block` when some
    learning rates are done.
    """
    swept = _empty(task, np.asarray(learning_rates, np.float64), epochs, thresholds)
    size = block_size(task)
    for at in range(0, len(learning_rates), size):
        rates = slice(at, at + size)
        _train_block(swept, rates, task, epochs, thresholds, stop, after_window)
        after_block(Block(rates, swept))
    return swept


def networks_of(task: Task, learning_rates: Array) -> Networks:
    if task.is_small:
        return SmallNetworks(
            task.start.tolist(), learning_rates, inputs=task.inputs[0].tolist(), targets=task.targets[0].tolist()
        )
    return DenseNetworks(task, learning_rates)


def block_size(task: Task) -> int:
    return max(1, CACHED_NUMBERS // (3 * len(task.start) + len(task.inputs) * sum(task.layers)))


def window_size(task: Task, networks: int) -> int:
    """How many epochs of so many networks make a window."""
    return int(np.clip(WINDOW_NUMBERS // (networks * len(task.start) * len(task.inputs)), 1, 1024))


def _empty(task: Task, rates: Array, epochs: int, thresholds: list[float]) -> Sweep:
    count, points = len(rates), len(rates) * (epochs + 1)
    return Sweep(
        learning_rates=rates,
        losses=np.full((count, epochs + 1), np.nan, np.float64 if points <= EXACT_POINTS else np.float32),
        gradient_norms=np.full((count, epochs + 1), np.nan, np.float32),
        last_epochs=np.full(count, epochs),
        parameters=np.empty((count, len(task.start))),
        outputs=np.empty((count, *task.targets.shape)),
        has_risen=np.zeros(count, bool),
        reached=np.full((len(thresholds), count), -1),
        first_losses=np.empty(count),
        last_losses=np.empty(count),
    )


def _train_block(
    swept: Sweep,
    rates: slice,
    task: Task,
    epochs: int,
    thresholds: list[float],
    stop: Stop | None,
    after_window: Callable[[int], None],
) -> None:
    networks = networks_of(task, swept.learning_rates[rates])
    count = len(networks.learning_rates)
    notes = Notes(count, thresholds)

    def watch(first: int, losses: Array, norms: Array) -> None:
        notes.add(first, losses)
        epochs_here = slice(first, first + len(losses))
        with np.errstate(over="ignore"):  # past float32's range is infinite
            swept.losses[rates, epochs_here] = losses.T
            swept.gradient_norms[rates, epochs_here] = norms.T
        after_window(rates.start * epochs + count * min(first + len(losses), epochs))

    swept.last_epochs[rates] = descend(networks, epochs=epochs, window=window_size(task, count), watch=watch, stop=stop)
    swept.parameters[rates], swept.outputs[rates] = networks.parameters().T, networks.outputs()
    swept.has_risen[rates], swept.reached[:, rates] = notes.has_risen, notes.reached
    swept.first_losses[rates], swept.last_losses[rates] = notes.first, notes.last
    for trial, last in enumerate(swept.last_epochs[rates], start=rates.start):
        swept.losses[trial, last + 1 :] = swept.gradient_norms[trial, last + 1 :] = np.nan
