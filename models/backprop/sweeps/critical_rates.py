"""Where descent fails: the smallest learning rates, to three digits, at which a task's training changes its behaviour.

A coarse sweep tries rates as finely spaced as a fixed amount of work allows, and those that the client chose. A fine
sweep then tries every three-digit number between the two neighbours where the behaviour changes. This is bisection
with hundreds of points at once, for the cost of two sweeps. What happens only between two neighbouring coarse rates is
missed: `tried` says how many rates were tried.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.curve_statistics import CurveStatistics
from models.backprop.sweeps.descent import EarlyStopping, descend
from models.backprop.sweeps.sweep import block_size, create_networks, window_size
from models.backprop.sweeps.task import Task

MAX_RATE, MIN_RATES = 1000.0, (1e-4, 1e-8, 1e-12)  # the next minimum is used if the loss rises even at this one
MIN_RATES_PER_DECADE, MAX_RATES_PER_DECADE = 24, 900  # 900 are all three-digit numbers
COARSE_MULTIPLICATIONS = 500_000  # of a coarse sweep with more than the minimum of rates
MAX_MULTIPLICATIONS = 2_000_000_000  # a longer search would take longer than most sweeps


@dataclass(frozen=True)
class CriticalRates:
    """A rate is None if there is none up to 1,000."""

    loss_rises: float | None  # the smallest at which the loss ever rises
    convergence_begins: float | None  # the smallest at which training converges within the epochs
    convergence_ends: float | None  # the smallest above it at which training does not
    lowest: float  # the range searched
    highest: float
    tried: int  # the number of learning rates tried


def is_affordable(task: Task, *, epochs: int) -> bool:
    if task.batch_size is not None:  # the loss of an epoch also depends on the order of the samples
        return False
    return 7 * MIN_RATES_PER_DECADE * _work_per_rate(task, epochs) <= MAX_MULTIPLICATIONS


def find(
    task: Task,
    chosen: list[float],
    *,
    epochs: int,
    converged_loss: float,
    early_stopping: EarlyStopping | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> CriticalRates:
    """Runs the coarse sweep, which the `chosen` rates join, and the fine one."""

    def run(rates: Array) -> "_Trials":
        blocks = np.split(rates, range(block_size(task), len(rates), block_size(task)))
        curves = [_run_block(task, block, epochs, early_stopping, on_progress) for block in blocks]
        last_losses = np.concatenate([block.last for block in curves])
        return _Trials(rates, np.concatenate([block.has_risen for block in curves]), last_losses < converged_loss)

    for lowest in MIN_RATES:
        coarse = _coarse_rates(lowest, chosen, _work_per_rate(task, epochs))
        trials = run(coarse)
        if not trials.has_risen[0]:
            break
    changes = [index for index in trials.changes() if index]
    fine = [rate for index in changes for rate in _rates_between(coarse[index - 1], coarse[index])]
    rates = np.union1d(coarse, fine)
    if len(rates) > len(coarse):
        trials = trials.merge(run(np.setdiff1d(rates, coarse)))
    rises, begins, ends = (None if index is None else float(rates[index]) for index in trials.changes())
    return CriticalRates(rises, begins, ends, lowest=lowest, highest=MAX_RATE, tried=len(rates))


@dataclass(frozen=True)
class _Trials:
    """What training did at some learning rates, in ascending order."""

    rates: Array
    has_risen: Array
    is_converged: Array

    def changes(self) -> tuple[int | None, int | None, int | None]:
        """Returns the indices at which the loss first rises, convergence begins, and convergence ends."""
        begins = _first(self.is_converged)
        length = None if begins is None else _first(~self.is_converged[begins:])
        ends = None if begins is None or length is None else begins + length
        return _first(self.has_risen), begins, ends

    def merge(self, other: "_Trials") -> "_Trials":
        rates = np.concatenate([self.rates, other.rates])
        order = np.argsort(rates)
        return _Trials(
            rates[order],
            np.concatenate([self.has_risen, other.has_risen])[order],
            np.concatenate([self.is_converged, other.is_converged])[order],
        )


def _run_block(
    task: Task, rates: Array, epochs: int, early_stopping: EarlyStopping | None, on_progress: Callable[[], None]
) -> CurveStatistics:
    statistics = CurveStatistics(len(rates), [])

    def on_window(first: int, losses: Array, _: Array) -> None:
        statistics.update(first, losses)
        on_progress()

    descend(
        create_networks(task, rates),
        epochs=epochs,
        window=window_size(task, len(rates)),
        on_window=on_window,
        early_stopping=early_stopping,
    )
    return statistics


def _coarse_rates(lowest: float, chosen: list[float], work_per_rate: int) -> Array:
    decades = round(np.log10(MAX_RATE / lowest))
    affordable = COARSE_MULTIPLICATIONS // (decades * work_per_rate)
    per_decade = int(np.clip(affordable, MIN_RATES_PER_DECADE, MAX_RATES_PER_DECADE))
    spread = _to_three_digits(np.geomspace(lowest, MAX_RATE, decades * per_decade + 1))
    return np.union1d(spread, [rate for rate in chosen[:MAX_RATES_PER_DECADE] if lowest <= rate <= MAX_RATE])


def _work_per_rate(task: Task, epochs: int) -> int:
    """Returns the multiplications of one trial."""
    return epochs * len(task.start) * len(task.inputs)


def _first(flags: Array) -> int | None:
    return int(flags.argmax()) if flags.any() else None


def _to_three_digits(rates: Array) -> Array:
    return np.array([float(f"{rate:.2e}") for rate in rates])


def _rates_between(low: float, high: float) -> list[float]:
    """Returns the three-digit numbers between two rates of the same factor of ten (`high` may be its end)."""
    exponent = int(np.floor(np.log10(low * (1 + 1e-9)))) - 2
    first, last = round(low / 10.0**exponent), round(high / 10.0**exponent)
    return [float(f"{digits}e{exponent}") for digits in range(first + 1, last)]
