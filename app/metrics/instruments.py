"""Counters and histograms over Cells, and their text. Labels are given in order, without names: that is quicker."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.metrics.shared_counters import Cells

SEPARATOR = "\t"  # between family, labels and part in the name of a cell


class Counter:
    """A number that only grows, one for each combination of labels."""

    def __init__(self, cells: Cells, name: str, text: str, *labels: str) -> None:
        self.name, self.text, self._labels = name, text, labels
        self._cells, self._values = cells, cells.values
        self._places: dict[tuple[str, ...], int] = {}

    def add(self, amount: float, *labels: str) -> None:
        place = self._places.get(labels)
        if place is None:
            name = SEPARATOR.join((self.name, label_text(self._labels, labels), ""))
            place = self._places[labels] = self._cells.reserve([name])
        self._values[place] += amount

    def sums(self, totals: dict[str, float], label: str, values: Sequence[str]) -> list[float]:
        """The number for each of `values` of a label, over all other labels."""
        sums = dict.fromkeys((label_text([label], [value]) for value in values), 0.0)
        for labels, _, value in _of(self.name, totals):
            for written in sums.keys() & set(labels.split(",")):
                sums[written] += value
        return list(sums.values())

    def write(self, totals: dict[str, float]) -> list[str]:
        found = [(labels, value) for labels, _, value in _of(self.name, totals)]
        return [*head(self.name, self.text, "counter"), *(sample(self.name, *each) for each in sorted(found))]


class Histogram:
    """How many observations were at most each of `bounds`, and their sum, for each combination of labels."""

    def __init__(self, cells: Cells, name: str, text: str, bounds: Sequence[float], *labels: str) -> None:
        self.name, self.text, self.bounds, self._labels = name, text, bounds, labels
        self._cells, self._values = cells, cells.values
        self._places: dict[tuple[str, ...], int] = {}
        self._parts = [*(f"{bound:g}" for bound in bounds), "+Inf", "sum"]

    def observe(self, value: float, *labels: str) -> None:
        place = self._place(labels)
        self._values[place + bisect_left(self.bounds, value)] += 1
        self._values[place + len(self.bounds) + 1] += value

    def _place(self, labels: tuple[str, ...]) -> int:
        place = self._places.get(labels)
        if place is None:
            written = label_text(self._labels, labels)
            names = [SEPARATOR.join((self.name, written, part)) for part in self._parts]
            place = self._places[labels] = self._cells.reserve(names)
        return place

    def observe_all(self, values: NDArray[np.float32], *labels: str) -> None:
        """The same for many values at once."""
        place = self._place(labels)
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.bounds) + 1)
        for part, count in enumerate(found.tolist()):
            if count:
                self._values[place + part] += count
        self._values[place + len(self.bounds) + 1] += float(values.sum())

    def counts(self, totals: dict[str, float]) -> list[float]:
        """How many fell between each bound and the next, over all labels; one more than there are bounds."""
        sums = dict.fromkeys(self._parts[:-1], 0.0)
        for _, part, value in _of(self.name, totals):
            if part != "sum":
                sums[part] += value
        return list(sums.values())

    def write(self, totals: dict[str, float]) -> list[str]:
        series: dict[str, dict[str, float]] = {}
        for labels, part, value in _of(self.name, totals):
            series.setdefault(labels, {})[part] = value
        lines = head(self.name, self.text, "histogram")
        for labels, parts in sorted(series.items()):
            seen = 0.0
            for part in self._parts[:-1]:
                seen += parts.get(part, 0.0)
                lines.append(sample(f"{self.name}_bucket", f'{labels}{"," if labels else ""}le="{part}"', seen))
            lines += [
                sample(f"{self.name}_sum", labels, parts.get("sum", 0.0)),
                sample(f"{self.name}_count", labels, seen),
            ]
        return lines


def gauge(name: str, text: str, values: Iterable[tuple[dict[str, str], float]]) -> list[str]:
    """The text of numbers that were looked up for this answer."""
    lines = head(name, text, "gauge")
    lines += (sample(name, label_text(tuple(labels), tuple(labels.values())), value) for labels, value in values)
    return lines


def head(name: str, text: str, kind: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def sample(name: str, labels: str, value: float) -> str:
    number = "NaN" if math.isnan(value) else repr(value).removesuffix(".0")
    return f"{name}{{{labels}}} {number}" if labels else f"{name} {number}"


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n").replace(SEPARATOR, " ")


def _of(family: str, totals: dict[str, float]) -> Iterable[tuple[str, str, float]]:
    for name, value in totals.items():
        owner, labels, part = name.split(SEPARATOR)
        if owner == family:
            yield labels, part, value
