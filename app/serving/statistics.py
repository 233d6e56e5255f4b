"""Counts and durations of inference requests, by version: the statistics extension of the Open Inference Protocol."""

import time
from dataclasses import dataclass, field
from typing import Any

PHASES = ("compute_input", "compute_infer", "compute_output")  # compute_infer includes the time in the queue
MEASURED = ("success", "fail", *PHASES)
NOT_MEASURED = ("queue", "cache_hit", "cache_miss")


@dataclass
class Duration:
    """How often something was done, and how long it took in total."""

    count: int = 0
    ns: int = 0

    def add(self, ns: int) -> None:
        self.count += 1
        self.ns += ns


@dataclass
class VersionStatistics:
    """The counts of one version."""

    inferences: int = 0
    last_inference_ms: int = 0  # since 1970
    durations: dict[str, Duration] = field(default_factory=lambda: {name: Duration() for name in MEASURED})


class Statistics:
    """The counts of one process since its start. Belongs to one event loop."""

    def __init__(self) -> None:
        self._versions: dict[str, VersionStatistics] = {}

    def succeeded(self, version: str, *, pictures: int, phases: tuple[int, ...]) -> None:
        """Count an answered request; `phases` are the nanoseconds that each of PHASES took."""
        found = self._versions.get(version)
        if found is None:
            found = self._versions[version] = VersionStatistics()
        found.inferences += pictures
        found.last_inference_ms = time.time_ns() // 1_000_000
        found.durations["success"].add(sum(phases))
        for name, ns in zip(PHASES, phases, strict=True):
            found.durations[name].add(ns)

    def failed(self, version: str, ns: int) -> None:
        """Count a request that failed. A version that never answered is not counted: a client can make up any name."""
        if version in self._versions:
            self._versions[version].durations["fail"].add(ns)

    def describe(self, name: str, versions: list[str]) -> dict[str, Any]:
        """The document of the protocol about these versions of the model `name`."""
        return {"model_stats": [self._describe(name, version) for version in versions]}

    def _describe(self, name: str, version: str) -> dict[str, Any]:
        found = self._versions.get(version, VersionStatistics())
        durations = {name: vars(duration) for name, duration in found.durations.items()}
        durations |= {name: vars(Duration()) for name in NOT_MEASURED}
        return {
            "name": name,
            "version": version,
            "last_inference": found.last_inference_ms,
            "inference_count": found.inferences,
            "execution_count": found.durations["success"].count,
            "inference_stats": durations,
            "batch_stats": [],
        }
