"""The kinds of pictures of benchmarks/pictures.py, a few of each: whatever people send is read."""

import numpy as np
import pytest
from picture_kinds import KINDS
from pictures import draw_pictures, read

from models.inference.classifier import DigitClassifier
from models.pictures.eye import Eye
from models.training.data import Dataset
from tests.models.training.test_export import SHIPPED

EACH = 4


@pytest.fixture(scope="module")
def classifier() -> DigitClassifier:
    return DigitClassifier.load(SHIPPED / "model.onnx")


def test_digits_of_every_kind_are_read(mnist: Dataset, classifier: DigitClassifier) -> None:
    eye, right, wrong = Eye.load(), {}, 0
    for kind in (kind for kind in KINDS if not kind.reasons):
        pictures = draw_pictures(kind, mnist.validation, "develop", EACH)
        readings = [read(kind, label, content, classifier, eye) for label, content in pictures]
        right[kind.name] = sum(reading.is_right for reading in readings)
        wrong += sum(reading.is_accepted and not reading.is_right for reading in readings)
    assert len(right) >= 100
    assert np.mean(list(right.values())) / EACH >= 0.95
    assert sum(count < EACH / 2 for count in right.values()) <= 2
    assert wrong <= 0.02 * EACH * len(right)


def test_what_is_no_digit_is_not_accepted(mnist: Dataset, classifier: DigitClassifier) -> None:
    eye, accepted = Eye.load(), []
    for kind in (kind for kind in KINDS if kind.reasons):
        pictures = draw_pictures(kind, mnist.validation, "develop", EACH)
        accepted += [read(kind, label, content, classifier, eye).is_accepted for label, content in pictures]
    assert np.mean(accepted) <= 0.08
