import numpy as np

from app.metrics.metrics import MOST_UNCOUNTED, Metrics


def test_pictures_are_let_go_of_as_soon_as_many_are_uncounted() -> None:
    metrics = Metrics()

    def compute(count: int) -> float:
        pixels, probabilities = np.ones((count, 1, 28, 28), np.float32), np.full((count, 10), 0.1, np.float32)
        metrics.computed("1", pixels, probabilities, [0.001])
        return sum(metrics.ink.counts(metrics.cells.totals()))

    assert compute(MOST_UNCOUNTED - 1) == 0
    assert compute(1) == MOST_UNCOUNTED
    assert compute(1) == MOST_UNCOUNTED
    metrics.flush()
    assert sum(metrics.ink.counts(metrics.cells.totals())) == MOST_UNCOUNTED + 1
