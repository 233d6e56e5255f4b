import numpy as np
import pytest

from models.training.calibration import (
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    measure_coverage,
    negative_log_likelihood,
)


def test_temperature_undoes_the_overconfidence_it_was_given() -> None:
    random = np.random.default_rng(0)
    true = random.normal(0, 2, (20_000, 10)).astype(np.float32)
    chances = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = np.array([random.choice(10, p=row / row.sum()) for row in chances.astype(np.float64)])
    assert fit_temperature(true * 3, labels) == pytest.approx(3, rel=0.05)
    assert negative_log_likelihood(true, labels) < negative_log_likelihood(true * 3, labels)


def test_few_pictures_that_were_all_read_right_do_not_make_it_certain() -> None:
    logits = np.zeros((10, 10), np.float32)
    logits[np.arange(10), np.arange(10)] = 6
    assert fit_temperature(logits, np.arange(10)) == pytest.approx(1, rel=0.2)


def test_threshold_leaves_one_error_in_a_thousand() -> None:
    margins = np.linspace(1, 0.6, 4000, dtype=np.float32)
    is_right = np.ones(4000, bool)
    is_right[[1500, 2500, 2600, 3000, 3100, 3200, 3300]] = False
    least = fit_threshold(margins, is_right)
    found = measure_coverage(margins >= least, is_right)
    assert found["accuracy"] >= 0.999
    assert measure_coverage(margins >= least - 0.02, is_right)["accuracy"] < 0.999
    assert (found["accepted"], found["right"]) == (3000, 2997)


def test_threshold_is_at_least_one_half_even_where_every_prediction_was_right() -> None:
    assert fit_threshold(np.array([0.9, 0.5], np.float32), np.array([True, True])) == 0.5


def test_calibration_error_is_the_gap_between_confidence_and_accuracy_by_bin() -> None:
    """In bins of 1/15: three predictions at 0.9, one wrong, and one at 0.55, which is right."""
    confident = [0.9, 0.1, *[0.0] * 8]
    probabilities = np.array([confident, confident, confident, [0.55, 0.45, *[0.0] * 8]], np.float32)
    labels = np.array([0, 0, 1, 0])
    expected = 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * abs(1 - 0.55)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected, abs=1e-6)
    assert expected_calibration_error(np.eye(10, dtype=np.float32), np.arange(10)) == 0
