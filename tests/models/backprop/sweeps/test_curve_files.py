import numpy as np
import pytest

from models.backprop.sweeps.curve_files import from_npz, to_csv, to_npz


def test_arrays_come_back_from_npz_as_they_went_in() -> None:
    losses = np.array([[0.5, np.nan], [0.25, 0.125]], np.float32)
    found = from_npz(to_npz(losses=losses, rates=np.array([1.0])))
    assert found["losses"].dtype == np.float32
    np.testing.assert_array_equal(found["losses"], losses)
    assert list(found) == ["losses", "rates"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_curve_that_has_ended_leaves_its_csv_cells_empty(dtype: type) -> None:
    losses = np.array([[0.5, np.nan], [0.25, 0.125]], dtype)
    assert list(to_csv(np.array([0.1, 2.0]), losses)) == ["epoch,0.1,2.0\n", "0,0.5,0.25\n", "1,,0.125\n"]
