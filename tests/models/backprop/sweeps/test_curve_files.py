from pathlib import Path

import numpy as np
import pytest

from models.backprop.sweeps import curve_files
from models.backprop.sweeps.curve_files import from_npz, npz_to_csv, to_csv, to_npz


def test_arrays_come_back_from_npz_as_they_went_in() -> None:
    losses = np.array([[0.5, np.nan], [0.25, 0.125]], np.float32)
    found = from_npz(to_npz(losses=losses, rates=np.array([1.0])))
    assert found["losses"].dtype == np.float32
    np.testing.assert_array_equal(found["losses"], losses)
    assert list(found) == ["losses", "rates"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_curve_that_has_ended_leaves_its_csv_cells_empty(dtype: type) -> None:
    losses = np.array([[0.5, np.nan], [0.25, np.inf], [0.125, 1e-7]], dtype)
    lines = list(to_csv(np.array([0.1, 2.0, 3.0]), losses))
    assert lines == [b"epoch,0.1,2.0,3.0\n", b"0,0.5,0.25,0.125\n", b"1,,,1e-7\n"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_come_back_from_csv_to_the_last_bit(dtype: type) -> None:
    losses = np.random.default_rng(0).lognormal(sigma=20, size=(3, 1000)).astype(dtype)
    lines = list(to_csv(np.array([1.0, 2.0, 3.0]), losses))[1:]
    found = np.array([line.split(b",")[1:] for line in lines]).astype(dtype)
    np.testing.assert_array_equal(found.T, losses)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_csv_is_made_of_blocks_of_the_file(dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_files, "BLOCK_BYTES", 100)
    rates = np.geomspace(0.1, 2, 7)
    losses = np.random.default_rng(0).random((7, 101)).astype(dtype)
    losses[2, 50:] = np.nan
    path = tmp_path / "curves.npz"
    path.write_bytes(to_npz(learning_rates=rates, losses=losses, gradient_norms=losses + 1))
    with path.open("rb") as file:
        assert list(npz_to_csv(file)) == list(to_csv(rates, losses))
