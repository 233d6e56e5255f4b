import numpy as np
import pytest

from models.backprop.sweeps.outcomes import classify, find_fastest


@pytest.mark.parametrize(
    ("last", "norm", "has_risen", "expected"),
    [
        (float("nan"), 1.0, True, "diverged"),
        (float("inf"), 1.0, True, "diverged"),
        (1e-7, 1e-9, True, "converged"),
        (0.3, 1e-9, True, "stalled"),
        (0.3, 0.1, True, "diverged"),
        (0.1, 0.1, True, "oscillating"),
        (0.1, 0.1, False, "descending"),
        (0.2, 0.1, False, "descending"),
    ],
)
def test_the_first_rule_that_holds_decides_the_outcome(
    last: float, norm: float, has_risen: bool, expected: str
) -> None:
    assert classify(0.2, last, norm, has_risen=has_risen, converged_loss=1e-6) == expected


def test_the_fastest_trial_reached_the_hardest_threshold_first() -> None:
    losses = np.array([0.1, 0.2, 0.3])
    assert find_fastest(np.array([[3, 2, 1], [9, 5, -1]]), losses) == 1
    assert find_fastest(np.array([[3, 2, 1], [-1, -1, -1]]), losses) == 2
    assert find_fastest(np.array([[2, 2, -1]]), losses) == 0
    assert find_fastest(np.array([[-1, -1, -1]]), losses) is None
