import numpy as np
import pytest

from models.backprop.sweeps.curve_statistics import CurveStatistics


@pytest.mark.parametrize("window", [1, 2, 4])
def test_the_statistics_of_a_curve_do_not_depend_on_the_window(window: int) -> None:
    losses = np.array([[0.5, 1.0], [1e-4, np.inf], [1e200, np.inf], [np.nan, np.nan]])
    statistics = CurveStatistics(2, [1e-3])
    for first in range(0, 4, window):
        statistics.update(first, losses[first : first + window])
    assert statistics.reached.tolist() == [[1, -1]]
    assert statistics.has_risen.tolist() == [True, True]
