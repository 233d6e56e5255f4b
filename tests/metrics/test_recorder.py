import numpy as np

from app.metrics.instruments import read_sums
from app.metrics.metrics import Metrics
from app.metrics.recorder import MAX_PENDING_PICTURES, Recorder


def test_pictures_are_counted_and_released_as_soon_as_many_are_pending() -> None:
    metrics = Metrics()
    recorder = Recorder(metrics)

    def counted() -> float:
        return sum(metrics.ink.counts(read_sums(metrics.counters)))

    def compute(count: int) -> float:
        pixels, probabilities = np.ones((count, 1, 28, 28), np.float32), np.full((count, 10), 0.1, np.float32)
        recorder.record_batch("1", pixels, probabilities, [0.001])
        return counted()

    assert compute(MAX_PENDING_PICTURES - 1) == 0
    assert compute(1) == MAX_PENDING_PICTURES
    assert compute(1) == MAX_PENDING_PICTURES
    recorder.flush()
    assert counted() == MAX_PENDING_PICTURES + 1
