"""Everything that is counted while the service works, by name."""

from collections import Counter as Tally
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.metrics.drift import REFERENCE, Counts
from app.metrics.instruments import Counter, Histogram
from app.metrics.shared_counters import Cells

Floats = NDArray[np.float32]

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAITS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
BATCHES = (1, 2, 4, 8, 16)
MOST_UNCOUNTED = 128  # pictures, which are kept until then; counting them holds the others up for half a millisecond
FLUSH_SECONDS = 0.25  # what is counted this much later is what a process that is killed may lose


# What went through the network together: version, pixels, probabilities, seconds that each request had waited.
Batch = tuple[str, Floats, Floats, list[float]]


class Metrics:
    """The counts of one process. All but `lease_expiries` belong to the thread of its event loop."""

    def __init__(self, folder: Path | None = None) -> None:
        self._answers: list[tuple[str, str, str, float]] = []
        self._predictions: list[tuple[int, str, str]] = []
        self._batches: list[Batch] = []
        self._uncounted = 0  # pictures in them
        self.cells = cells = Cells(folder)
        self.requests = Counter(
            cells, "numeral_http_requests_total", "Requests that were answered.", "method", "route", "status"
        )
        self.request_seconds = Histogram(
            cells, "numeral_http_request_seconds", "From the request until its answer begins.", SECONDS,
            "method", "route",
        )  # fmt: skip
        self.refused = Counter(
            cells, "numeral_refused_total", "Requests refused for their key, its scope or their rate.", "reason"
        )
        self.predictions = Counter(
            cells, "numeral_predictions_total", "Pictures read.", "digit", "model_version", "accepted"
        )
        self.confidence = Histogram(
            cells, "numeral_prediction_confidence", "The probability of the digit that was found.",
            REFERENCE.confidence.bounds, "model_version",
        )  # fmt: skip
        self.ink = Histogram(
            cells, "numeral_prediction_ink", "Mean brightness of a picture as the network saw it, 0 to 1.",
            REFERENCE.ink.bounds,
        )  # fmt: skip
        self.queue_wait = Histogram(
            cells, "numeral_queue_wait_seconds", "How long requests waited for the network.", WAITS
        )
        self.batch_size = Histogram(
            cells, "numeral_batch_size", "Pictures that went through the network together.", BATCHES
        )
        self.lease_expiries = Counter(
            cells, "numeral_lease_expiries_total", "Jobs that were taken from a worker.", "reason"
        )
        self.families = (
            self.requests, self.request_seconds, self.refused, self.predictions, self.confidence, self.ink,
            self.queue_wait, self.batch_size, self.lease_expiries,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: str, seconds: float) -> None:
        """A request was answered."""
        self._answers.append((method, route, status, seconds))

    def predicted(self, version: str, digit: int, accepted: str) -> None:
        """A picture was read; `accepted` is true, false, or not_judged where the protocol has no word for it."""
        self._predictions.append((digit, version, accepted))

    def computed(self, version: str, pixels: Floats, probabilities: Floats, waits: list[float]) -> None:
        """A batch float32 (n, 1, 28, 28) went through the network, for requests that had waited so many seconds."""
        self._batches.append((version, pixels, probabilities, waits))
        self._uncounted += len(pixels)
        if self._uncounted >= MOST_UNCOUNTED:
            self.flush()

    def flush(self) -> None:
        """Count what `answered`, `predicted` and `computed` were told of. To be called several times a second.

        One by one, between the work of a request, counting would take 30 us; in a row it takes 3.
        """
        answers, self._answers = self._answers, []
        for labels, count in Tally(answer[:3] for answer in answers).items():
            self.requests.add(count, *labels)
        for method, route, _, seconds in answers:
            self.request_seconds.observe(seconds, method, route)
        predictions, self._predictions = self._predictions, []
        for (digit, version, accepted), count in Tally(predictions).items():
            self.predictions.add(count, str(digit), version, accepted)
        batches, self._batches, self._uncounted = self._batches, [], 0
        for version in {batch[0] for batch in batches}:
            self._count(version, [batch for batch in batches if batch[0] == version])

    def _count(self, version: str, batches: list[Batch]) -> None:
        _, pixels, probabilities, waits = zip(*batches, strict=True)
        waited = np.fromiter(chain.from_iterable(waits), np.float32)
        ink = np.concatenate(pixels).reshape(-1, 28 * 28).mean(axis=1)
        self.confidence.observe_all(np.concatenate(probabilities).max(axis=1), version)
        self.ink.observe_all(ink)
        self.batch_size.observe_all(np.fromiter(map(len, pixels), np.float32))
        self.queue_wait.observe_all(waited)

    def drift_counts(self) -> Counts:
        """How many of each class there were, over the processes: what Drift compares."""
        totals = self.cells.totals()
        return {
            "digit": self.predictions.sums(totals, "digit", [str(digit) for digit in range(10)]),
            "confidence": self.confidence.counts(totals),
            "ink": self.ink.counts(totals),
        }

    def text(self) -> list[str]:
        """The lines of all families, summed over the processes."""
        totals = self.cells.totals()
        return [line for family in self.families for line in family.write(totals)]
