import numpy as np
import pytest

from app.metrics.drift import MIN_PREDICTIONS, REFERENCE, WINDOW_SECONDS, Drift, stability_index
from models.inference.classifier import DigitClassifier
from models.training.data import Dataset
from models.training.drift_reference import PRETRAINED, measure_reference

NOTHING = {"digit": [0.0] * 10, "confidence": [0.0] * 8, "ink": [0.0] * 10}


def like_the_reference(count: int) -> dict[str, list[float]]:
    return {name: [count * share for share in getattr(REFERENCE, name).shares] for name in NOTHING}


def test_shares_that_shipped_are_those_of_the_training_pictures(mnist: Dataset) -> None:
    found = measure_reference(mnist, DigitClassifier.load(PRETRAINED / "model.onnx"))
    for name, part in found.items():
        shipped = getattr(REFERENCE, name)
        assert part.get("bounds", []) == list(shipped.bounds)
        assert np.allclose(part["shares"], shipped.shares, atol=0.002)  # another processor may round a confidence
        assert sum(shipped.shares) == pytest.approx(1, abs=1e-4)


def test_pictures_like_those_of_the_training_have_no_drift() -> None:
    drift = Drift()
    drift.remember(0, NOTHING)
    drift.remember(15, like_the_reference(5000))
    count, indices = drift.indices()
    assert count == pytest.approx(5000, rel=1e-3)
    assert max(indices.values()) < 0.01


def test_a_single_digit_is_a_change_of_digits_only() -> None:
    drift = Drift()
    drift.remember(0, NOTHING)
    drift.remember(15, like_the_reference(1000) | {"digit": [1000.0] + [0.0] * 9})
    _, indices = drift.indices()
    assert indices["digit"] > 0.25
    assert max(indices["confidence"], indices["ink"]) < 0.1


def test_index_is_the_sum_that_is_written_down() -> None:
    counts, shares = [600.0, 400.0] + [0.0] * 8, REFERENCE.digit.shares
    now = (np.array(counts) + 0.5) / (1000 + 5)
    expected = float(((now - shares) * np.log(now / np.array(shares))).sum())
    assert stability_index(counts, REFERENCE.digit) == pytest.approx(expected)


def test_few_predictions_have_no_index() -> None:
    drift = Drift()
    assert drift.indices() == (0, {})
    drift.remember(0, NOTHING)
    drift.remember(15, NOTHING | {"digit": [float(MIN_PREDICTIONS - 1)] + [0.0] * 9})
    assert drift.indices() == (MIN_PREDICTIONS - 1, {})


def test_what_is_older_than_the_window_is_forgotten() -> None:
    drift = Drift()
    drift.remember(0, NOTHING)
    odd = NOTHING | {"digit": [9000.0] + [0.0] * 9}
    for moment in range(15, int(2 * WINDOW_SECONDS), 15):
        drift.remember(moment, odd)
    assert drift.indices() == (0, {})
