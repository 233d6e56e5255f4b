import numpy as np
import pytest

from models.inference.acceptance import margin, rejection_reason
from models.pictures.mnist_format import Normalised

SURE = np.array([0.001] * 9 + [0.991], np.float32)
TORN = np.array([0.001] * 8 + [0.45, 0.542], np.float32)
LOST = np.full(10, 0.1, np.float32)


def picture() -> np.ndarray:
    """A vertical stroke."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    return image


def normalised(reason: str | None) -> Normalised:
    return Normalised(picture(), False, (0, 0, 28, 28), 1.0, (0, 0), 0.1, reason)


def test_margin_is_the_share_of_the_best_among_the_two_best() -> None:
    np.testing.assert_allclose(margin(np.stack([SURE, TORN, LOST])), [0.991 / 0.992, 0.542 / 0.992, 0.5], rtol=1e-6)
    assert margin(SURE) == pytest.approx(0.991 / 0.992)
    assert margin(np.eye(10, dtype=np.float32)[3]) == 1


def test_best_digit_must_leave_little_for_all_others_together() -> None:
    stroke = picture().astype(np.float32) / 255
    for best, reason in ((0.91, None), (0.89, "not_a_digit")):
        spread = np.array([(1 - best) / 9] * 9 + [best], np.float32)
        assert rejection_reason(spread, stroke, 0.95) == reason


def test_guess_is_rejected_even_where_every_margin_is_accepted() -> None:
    stroke = picture().astype(np.float32) / 255
    assert rejection_reason(LOST, stroke, 0.5) == "not_a_digit"
    assert rejection_reason(TORN, stroke, 0.5) == "ambiguous"
    assert rejection_reason(SURE, stroke, 0.5) is None


def test_each_rejection_has_its_reason() -> None:
    stroke, dot = picture().astype(np.float32) / 255, np.zeros((28, 28), np.float32)
    dot[13:15, 13:15] = 1
    assert rejection_reason(SURE, stroke, 0.9) is None
    assert rejection_reason(SURE, np.zeros((28, 28), np.float32), 0.9) == "blank"
    assert rejection_reason(SURE, dot, 0.9) == "too_small"
    assert rejection_reason(TORN, stroke, 0.9) == "ambiguous"
    assert rejection_reason(LOST, stroke, 0.9) == "not_a_digit"
    assert rejection_reason(SURE, stroke, 0.9, normalised("not_a_digit")) == "not_a_digit"
    assert rejection_reason(SURE, stroke, 0.9, normalised(None)) is None
