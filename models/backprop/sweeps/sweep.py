"""A sweep trains one task at many learning rates, block by block, and keeps every loss curve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.curve_statistics import CurveStatistics
from models.backprop.sweeps.dense_networks import DenseNetworks
from models.backprop.sweeps.descent import EarlyStopping, Networks, descend
from models.backprop.sweeps.networks_222 import Networks222
from models.backprop.sweeps.result_size import bytes_per_number
from models.backprop.sweeps.task import Task

MAX_BLOCK_FLOATS = 64_000  # in the networks of one block: half a megabyte, which stays in a core's cache
WINDOW_MULTIPLICATIONS = 1_000_000  # between two callbacks: some milliseconds
WINDOW_STEPS = 1024  # between two callbacks: 15 to 50 microseconds each, of the smallest networks


@dataclass(frozen=True)
class SweepResult:
    """The curves and the final networks of all learning rates. A curve is NaN after its end and after an overflow."""

    learning_rates: Array  # (rates,)
    losses: Array  # (rates, epochs + 1); epoch 0 is before training
    gradient_norms: Array  # (rates, epochs + 1), float32
    last_epochs: Array  # (rates,)
    parameters: Array  # (rates, parameters), final
    outputs: Array  # (rates, samples, units), final; float32 where they are very many, as the losses
    has_risen: Array  # (rates,)
    reached: Array  # (thresholds, rates): the first epoch below each, or -1
    first_losses: Array  # (rates,), always float64
    last_losses: Array  # (rates,), always float64
    paths: Array  # (rates, kept epochs, parameters): the weights at the epochs that were asked for


@dataclass(frozen=True)
class Block:
    """Learning rates that are finished: those of `result` in the slice `rates`."""

    rates: slice
    result: SweepResult


def run_sweep(
    task: Task,
    learning_rates: list[float],
    *,
    epochs: int,
    thresholds: list[float],
    kept_epochs: Sequence[int] = (),
    early_stopping: EarlyStopping | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    on_block: Callable[[Block], None] = lambda _: None,
) -> SweepResult:
    """Trains one network per learning rate, all from the same weights. Keeps their weights at `kept_epochs`.

    Calls `on_progress` several times a second with the epochs that are done, of all learning rates together, and
    `on_block` when the learning rates of a block are finished.
    """
    result = _empty_result(task, np.asarray(learning_rates, np.float64), epochs, thresholds, len(kept_epochs))
    size = block_size(task)
    for at in range(0, len(learning_rates), size):
        rates = slice(at, at + size)
        _train_block(result, rates, task, epochs, thresholds, kept_epochs, early_stopping, on_progress)
        on_block(Block(rates, result))
    return result


def create_networks(task: Task, learning_rates: Array) -> Networks:
    if task.is_222:
        return Networks222(
            task.start.tolist(), learning_rates, inputs=task.inputs[0].tolist(), targets=task.targets[0].tolist()
        )
    return DenseNetworks(task, learning_rates)


def block_size(task: Task) -> int:
    return max(1, MAX_BLOCK_FLOATS // (3 * len(task.start) + len(task.inputs) * sum(task.layers)))


def window_size(task: Task, networks: int) -> int:
    """Returns the number of epochs between two callbacks, an epoch or some hundredths of a second."""
    epochs = WINDOW_MULTIPLICATIONS // (networks * len(task.start) * len(task.inputs))
    return max(1, min(epochs, WINDOW_STEPS // task.steps_per_epoch))


def _empty_result(task: Task, rates: Array, epochs: int, thresholds: list[float], kept: int) -> SweepResult:
    count, points = len(rates), len(rates) * (epochs + 1)
    float_type = {4: np.float32, 8: np.float64}
    return SweepResult(
        learning_rates=rates,
        losses=np.full((count, epochs + 1), np.nan, float_type[bytes_per_number(points)]),
        gradient_norms=np.full((count, epochs + 1), np.nan, np.float32),
        last_epochs=np.full(count, epochs),
        parameters=np.empty((count, len(task.start))),
        outputs=np.empty((count, *task.targets.shape), float_type[bytes_per_number(count * task.targets.size)]),
        has_risen=np.zeros(count, bool),
        reached=np.full((len(thresholds), count), -1),
        first_losses=np.empty(count),
        last_losses=np.empty(count),
        paths=np.empty((count, kept, len(task.start))),
    )


def _train_block(
    result: SweepResult,
    rates: slice,
    task: Task,
    epochs: int,
    thresholds: list[float],
    kept_epochs: Sequence[int],
    early_stopping: EarlyStopping | None,
    on_progress: Callable[[int], None],
) -> None:
    networks = create_networks(task, result.learning_rates[rates])
    count = len(networks.learning_rates)
    statistics = CurveStatistics(count, thresholds)

    def on_window(first: int, losses: Array, norms: Array) -> None:
        statistics.update(first, losses)
        epochs_here = slice(first, first + len(losses))
        with np.errstate(over="ignore"):  # above float32's range a loss becomes infinite
            result.losses[rates, epochs_here] = losses.T
            result.gradient_norms[rates, epochs_here] = norms.T
        on_progress(rates.start * epochs + count * min(first + len(losses), epochs))

    places = {epoch: place for place, epoch in enumerate(kept_epochs)}

    def on_epoch(epoch: int) -> None:
        if epoch in places:
            result.paths[rates, places[epoch]] = networks.parameters().T

    result.last_epochs[rates] = descend(
        networks,
        epochs=epochs,
        window=window_size(task, count),
        on_window=on_window,
        early_stopping=early_stopping,
        on_epoch=on_epoch,
    )
    if result.last_epochs[rates].max() < epochs:  # the descent ended before them: the weights stay as they are
        after = np.asarray(kept_epochs) > result.last_epochs[rates].max()
        result.paths[rates, after] = networks.parameters().T[:, None]
    result.parameters[rates], result.outputs[rates] = networks.parameters().T, networks.outputs()
    result.has_risen[rates], result.reached[:, rates] = statistics.has_risen, statistics.reached
    result.first_losses[rates], result.last_losses[rates] = statistics.first, statistics.last
    for trial, last in enumerate(result.last_epochs[rates], start=rates.start):
        result.losses[trial, last + 1 :] = result.gradient_norms[trial, last + 1 :] = np.nan
