"""Buffers what happens during requests, and adds it to the metrics in bulk four times a second.

Counted one by one, between the work of requests, the metrics of a prediction would take 30 us; in a row they take 3.
"""

from collections import Counter as Tally
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.metrics.metrics import Metrics

Floats = NDArray[np.float32]

FLUSH_SECONDS = 0.25  # a process that is killed loses what it recorded in this time
MAX_PENDING_PICTURES = 128  # their pixels are kept until they are counted, which holds requests up for 0.5 ms


class Recorder:
    """Belongs to the thread of the event loop, which calls `flush` every FLUSH_SECONDS."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._requests: list[tuple[str, str, str, float]] = []
        self._predictions: list[tuple[int, str, str]] = []
        self._batches: list[tuple[str, Floats, Floats, list[float]]] = []
        self._pending_pictures = 0

    def record_request(self, method: str, route: str, status: str, seconds: float) -> None:
        """A request was answered."""
        self._requests.append((method, route, status, seconds))

    def record_refusal(self, reason: str) -> None:
        """A request was refused for its key, its scope or their rate; counted at once."""
        self._metrics.refused.add(1, reason)

    def record_prediction(self, version: str, digit: int, accepted: str) -> None:
        """A picture was read. `accepted` is true, false, or not_judged for the protocol that cannot say it."""
        self._predictions.append((digit, version, accepted))

    def record_batch(self, version: str, pixels: Floats, probabilities: Floats, waits: list[float]) -> None:
        """A batch float32 (n, 1, 28, 28) went through the network; `waits` are the seconds its requests waited."""
        self._batches.append((version, pixels, probabilities, waits))
        self._pending_pictures += len(pixels)
        if self._pending_pictures >= MAX_PENDING_PICTURES:
            self.flush()

    def flush(self) -> None:
        """Count everything that was recorded since the last call."""
        self._count_requests()
        predictions, self._predictions = self._predictions, []
        for (digit, version, accepted), count in Tally(predictions).items():
            self._metrics.predictions.add(count, str(digit), version, accepted)
        self._count_batches()

    def _count_requests(self) -> None:
        requests, self._requests = self._requests, []
        for labels, count in Tally(request[:3] for request in requests).items():
            self._metrics.requests.add(count, *labels)
        for method, route, _, seconds in requests:
            self._metrics.request_seconds.observe(seconds, method, route)

    def _count_batches(self) -> None:
        batches, self._batches, self._pending_pictures = self._batches, [], 0
        for version in {batch[0] for batch in batches}:
            _, pixels, probabilities, waits = zip(*(batch for batch in batches if batch[0] == version), strict=True)
            ink = np.concatenate(pixels).reshape(-1, 28 * 28).mean(axis=1)
            self._metrics.confidence.observe_all(np.concatenate(probabilities).max(axis=1), version)
            self._metrics.ink.observe_all(ink)
            self._metrics.batch_size.observe_all(np.fromiter(map(len, pixels), np.float32))
            self._metrics.queue_wait.observe_all(np.fromiter(chain.from_iterable(waits), np.float32))
