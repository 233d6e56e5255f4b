"""Where descent ends: the smallest learning rates, of three digits, at which a task stops behaving.

Many rates are tried at once, as finely spaced as a fixed amount of work allows, together with those that the client
chose; the bracket in which the answer changes is then tried at every number of three digits in it. That is bisection
with hundreds of cuts at a time, for the price of two sweeps. Something that happens only between two neighbouring
cuts goes unseen: `tried` says how many there were.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.curves import Notes, Stop, descend
from models.backprop.sweeps.networks import Task
from models.backprop.sweeps.sweeping import block_size, networks_of, window_size

HIGHEST, LOWEST = 1000.0, (1e-4, 1e-8, 1e-12)  # a floor is left for the next where the loss rises even there
LEAST_CUTS, MOST_CUTS = 24, 900  # in each factor of ten; 900 are all the numbers of three digits
COARSE_WORK = 500_000  # multiplications that the coarse cuts may take where more than the least are to be had
MOST_WORK = 2_000_000_000  # multiplications; a search past it would take longer than most sweeps


@dataclass(frozen=True)
class CriticalRates:
    """Each is None where there is none up to 1,000."""

    loss_rises: float | None  # the smallest at which the loss ever rises
    convergence_begins: float | None  # the smallest at which it converges in the given epochs
    convergence_ends: float | None  # the smallest above that at which it does not
    lowest: float  # the range that was searched
    highest: float
    tried: int  # how many learning rates were


def is_affordable(task: Task, *, epochs: int) -> bool:
    return 7 * LEAST_CUTS * _work_per_rate(task, epochs) <= MOST_WORK


def find(
    task: Task,
    chosen: list[float],
    *,
    epochs: int,
    converged_loss: float,
    stop: Stop | None = None,
    after_window: Callable[[], None] = lambda: None,
) -> CriticalRates:
    """Two short sweeps: a coarse one that the `chosen` rates join, and one of all three-digit numbers where the
    coarse one changes its answer."""

    def attempt(rates: Array) -> "_Answers":
        return _try(task, rates, epochs, converged_loss, stop, after_window)

    for lowest in LOWEST:
        coarse = _coarse(lowest, chosen, _work_per_rate(task, epochs))
        answers = attempt(coarse)
        if not answers.has_risen[0]:
            break
    turns = [turn for turn in answers.turns() if turn]
    fine = [rate for turn in turns for rate in _between(coarse[turn - 1], coarse[turn])]
    rates = np.union1d(coarse, fine)
    if len(rates) > len(coarse):
        answers = answers.joined(attempt(np.setdiff1d(rates, coarse)))
    rises, begins, ends = (None if turn is None else float(rates[turn]) for turn in answers.turns())
    return CriticalRates(rises, begins, ends, lowest=lowest, highest=HIGHEST, tried=len(rates))


def _coarse(lowest: float, chosen: list[float], work_per_rate: int) -> Array:
    """The rates to try first, in order."""
    decades = round(np.log10(HIGHEST / lowest))
    cuts = int(np.clip(COARSE_WORK // (decades * work_per_rate), LEAST_CUTS, MOST_CUTS))
    spread = _three_digits(np.geomspace(lowest, HIGHEST, decades * cuts + 1))
    return np.union1d(spread, [rate for rate in chosen[:MOST_CUTS] if lowest <= rate <= HIGHEST])


def _work_per_rate(task: Task, epochs: int) -> int:
    return epochs * len(task.start) * len(task.inputs)


@dataclass(frozen=True)
class _Answers:
    """What some learning rates, in order, did."""

    rates: Array
    has_risen: Array
    is_converged: Array

    def turns(self) -> Iterator[int | None]:
        """Where the loss first rises, convergence begins, and ends."""
        begins = _first(self.is_converged)
        yield _first(self.has_risen)
        yield begins
        ends = None if begins is None else _first(~self.is_converged[begins:])
        yield None if begins is None or ends is None else begins + ends

    def joined(self, other: "_Answers") -> "_Answers":
        rates = np.concatenate([self.rates, other.rates])
        order = np.argsort(rates)
        return _Answers(
            rates[order],
            np.concatenate([self.has_risen, other.has_risen])[order],
            np.concatenate([self.is_converged, other.is_converged])[order],
        )


def _try(
    task: Task,
    rates: Array,
    epochs: int,
    converged_loss: float,
    stop: Stop | None,
    after_window: Callable[[], None],
) -> _Answers:
    notes = [_descend(task, part, epochs, stop, after_window) for part in _parts(rates, block_size(task))]
    has_risen = np.concatenate([note.has_risen for note in notes])
    return _Answers(rates, has_risen, np.concatenate([note.last for note in notes]) < converged_loss)


def _descend(task: Task, rates: Array, epochs: int, stop: Stop | None, after_window: Callable[[], None]) -> Notes:
    notes = Notes(len(rates), [])

    def watch(first: int, losses: Array, _: Array) -> None:
        notes.add(first, losses)
        after_window()

    descend(networks_of(task, rates), epochs=epochs, window=window_size(task, len(rates)), watch=watch, stop=stop)
    return notes


def _parts(rates: Array, size: int) -> list[Array]:
    return [rates[at : at + size] for at in range(0, len(rates), size)]


def _first(flags: Array) -> int | None:
    return int(flags.argmax()) if flags.any() else None


def _three_digits(rates: Array) -> Array:
    return np.array([float(f"{rate:.2e}") for rate in rates])


def _between(low: float, high: float) -> list[float]:
    """The numbers of three digits between two of them, which lie within one factor of ten or meet at its end."""
    exponent = int(np.floor(np.log10(low * (1 + 1e-9)))) - 2
    first, last = round(low / 10.0**exponent), round(high / 10.0**exponent)
    return [float(f"{digits}e{exponent}") for digits in range(first + 1, last)]
