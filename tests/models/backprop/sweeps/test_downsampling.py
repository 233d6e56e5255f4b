import math

import numpy as np
import pytest

from models.backprop.sweeps import downsampling
from models.backprop.sweeps.downsampling import select_points


def test_a_downsampled_curve_keeps_its_first_last_lowest_and_highest_points() -> None:
    curve = np.ones(100_001)
    curve[[333, 77_777]] = 0.0, 9.0
    kept = select_points(curve, max_points=1000)
    assert len(kept) <= 1000
    assert {0, 333, 77_777, 100_000} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_very_many_curves_share_the_points_of_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downsampling, "MAX_POINTS", 1000)
    assert downsampling.points_per_curve(10, max_points=1000) == 100
    assert downsampling.points_per_curve(1000, max_points=1000) == 10


def test_a_curve_without_finite_values_is_downsampled() -> None:
    assert len(select_points(np.full(50, math.nan), max_points=10)) <= 10
