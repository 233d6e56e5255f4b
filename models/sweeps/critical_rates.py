"""Where descent ends: the smallest learning rates, of three digits, at which a task stops behaving.

Rates a tenth of a factor of ten apart are tried at once; the bracket in which the answer changes is then tried at
every number of three digits in it. That is bisection with hundreds of cuts at a time, for the price of two sweeps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.backprop import Array
from models.sweeps.curves import Notes, descend
from models.sweeps.networks import Task
from models.sweeps.sweeping import block_size, networks_of, window_size

LOWEST_EXPONENT, DECADES = -4, 7  # from 0.0001 to 1,000
CUTS_PER_DECADE = 24
MOST_WORK = 2_000_000_000  # multiplications; a search past it would take longer than most sweeps


@dataclass(frozen=True)
class CriticalRates:
    """Each is None where there is none up to 1,000."""

    loss_rises: float | None  # the smallest at which the loss ever rises
    convergence_begins: float | None  # the smallest at which it converges in the given epochs
    convergence_ends: float | None  # the smallest above that at which it does not


def is_affordable(task: Task, *, epochs: int) -> bool:
    return DECADES * CUTS_PER_DECADE * epochs * len(task.start) * len(task.inputs) <= MOST_WORK


def find(
    task: Task, *, epochs: int, converged_loss: float, after_window: Callable[[], None] = lambda: None
) -> CriticalRates:
    """Two short sweeps: a coarse one, and one of all three-digit numbers where the coarse one changes its answer."""
    coarse = _three_digits(np.logspace(LOWEST_EXPONENT, LOWEST_EXPONENT + DECADES, DECADES * CUTS_PER_DECADE + 1))
    answers = _try(task, coarse, epochs, converged_loss, after_window)
    ends = [end for end in answers.turns() if end is not None]
    fine = [rate for end in ends if end > 0 for rate in _between(coarse[end - 1], coarse[end])]
    rates = np.unique(np.concatenate([coarse, fine]))
    if len(rates) > len(coarse):
        answers = answers.joined(_try(task, np.setdiff1d(rates, coarse), epochs, converged_loss, after_window))
    return CriticalRates(*(None if turn is None else float(rates[turn]) for turn in answers.turns()))


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


def _try(task: Task, rates: Array, epochs: int, converged_loss: float, after_window: Callable[[], None]) -> _Answers:
    notes = [_descend(task, part, epochs, after_window) for part in _parts(rates, block_size(task))]
    has_risen = np.concatenate([note.has_risen for note in notes])
    return _Answers(rates, has_risen, np.concatenate([note.last for note in notes]) < converged_loss)


def _descend(task: Task, rates: Array, epochs: int, after_window: Callable[[], None]) -> Notes:
    notes = Notes(len(rates), [])

    def watch(first: int, losses: Array, _: Array) -> None:
        notes.add(first, losses)
        after_window()

    descend(networks_of(task, rates), epochs=epochs, window=window_size(task, len(rates)), watch=watch)
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
