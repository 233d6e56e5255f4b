"""Counters and histograms over SharedCounters, and gauges; each gives the family that prometheus_client writes.

Label values are given in order, without their names: an observation takes 0.1 to 0.2 us, and 0.9 to 1.2 us with
prometheus_client's own counters and histograms.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from app.metrics.shared_counters import SharedCounters

LabelValues = tuple[str, ...]
Sums = dict[str, dict[LabelValues, dict[str, float]]]  # by metric, label values, and bucket or "sum" ("" in a counter)


class Counter:
    """A number that only grows, one for each combination of label values."""

    def __init__(self, counters: SharedCounters, name: str, text: str, *labels: str) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._counters, self._values = counters, counters.values
        self._slots: dict[LabelValues, int] = {}

    def add(self, amount: float, *labels: str) -> None:
        slot = self._slots.get(labels)
        if slot is None:
            slot = self._slots[labels] = self._counters.slots([_slot_name(self.name, labels)])
        self._values[slot] += amount

    def sums_of(self, sums: Sums, label: str, values: Sequence[str]) -> list[float]:
        """The sum for each of `values` of one label, over all other labels."""
        found, position = dict.fromkeys(values, 0.0), self.labels.index(label)
        for labels, parts in sums.get(self.name, {}).items():
            if labels[position] in found:
                found[labels[position]] += parts[""]
        return list(found.values())

    def family(self, sums: Sums) -> CounterMetricFamily:
        family = CounterMetricFamily(self.name, self.text, labels=self.labels)
        for labels, parts in sorted(sums.get(self.name, {}).items()):
            family.add_metric(labels, parts[""])
        return family


class Histogram:
    """How many observations were at most each of `bounds`, and their sum, for each combination of label values."""

    def __init__(self, counters: SharedCounters, name: str, text: str, bounds: Sequence[float], *labels: str) -> None:
        self.name, self.text, self.bounds, self.labels = name, text, bounds, labels
        self._counters, self._values = counters, counters.values
        self._slots: dict[LabelValues, int] = {}
        self._buckets = [*(f"{bound:g}" for bound in bounds), "+Inf"]

    def observe(self, value: float, *labels: str) -> None:
        first = self._first_slot(labels)
        self._values[first + bisect_left(self.bounds, value)] += 1
        self._values[first + len(self._buckets)] += value

    def observe_all(self, values: NDArray[np.float32], *labels: str) -> None:
        """Observe many values at once."""
        first = self._first_slot(labels)
        counts = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self._buckets))
        for bucket, count in enumerate(counts.tolist()):
            if count:
                self._values[first + bucket] += count
        self._values[first + len(self._buckets)] += float(values.sum())

    def counts(self, sums: Sums) -> list[float]:
        """How many observations fell into each bucket, over all labels; there is one bucket more than bounds."""
        series = sums.get(self.name, {}).values()
        return [sum(parts.get(bucket, 0.0) for parts in series) for bucket in self._buckets]

    def family(self, sums: Sums) -> HistogramMetricFamily:
        family = HistogramMetricFamily(self.name, self.text, labels=self.labels)
        for labels, parts in sorted(sums.get(self.name, {}).items()):
            at_most = accumulate(parts.get(bucket, 0.0) for bucket in self._buckets)
            family.add_metric(labels, list(zip(self._buckets, at_most, strict=True)), parts.get("sum", 0.0))
        return family

    def _first_slot(self, labels: LabelValues) -> int:
        slot = self._slots.get(labels)
        if slot is None:
            names = [_slot_name(self.name, labels, part) for part in (*self._buckets, "sum")]
            slot = self._slots[labels] = self._counters.slots(names)
        return slot


class Gauge:
    """A number that is read for each scrape, one for each combination of label values."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.name, self.text, self.labels = name, text, labels

    def family(self, values: Mapping[LabelValues, float]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(self.name, self.text, labels=self.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        return family


def read_sums(counters: SharedCounters) -> Sums:
    """The sums over all processes, by metric."""
    sums: Sums = {}
    for name, value in counters.sums().items():
        metric, part, *labels = json.loads(name)
        sums.setdefault(metric, {}).setdefault(tuple(labels), {})[part] = value
    return sums


def _slot_name(metric: str, labels: LabelValues, part: str = "") -> str:
    """One line of ASCII, whatever the labels contain."""
    return json.dumps([metric, part, *labels])
