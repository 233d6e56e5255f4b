import numpy as np
import pytest

from models.training.evaluation import DISPUTED_TEST_PICTURES, find_hardest, measure_digits, measure_undisputed


def test_precision_recall_and_f1_of_each_digit() -> None:
    confusion = [[0] * 10 for _ in range(10)]
    confusion[0][0], confusion[0][1], confusion[1][0], confusion[1][1] = 6, 2, 3, 9
    zero, one, two, *_ = measure_digits(confusion)
    assert zero == {"digit": 0, "total": 8, "precision": 6 / 9, "recall": 6 / 8, "f1": pytest.approx(12 / 17)}
    assert (one["precision"], one["recall"]) == (9 / 11, 9 / 12)
    assert two == {"digit": 2, "total": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_accuracy_without_the_disputed_pictures() -> None:
    is_right = np.ones(10_000, bool)
    is_right[list(DISPUTED_TEST_PICTURES)] = False
    assert measure_undisputed(is_right)["accuracy"] == 1.0
    is_right[[946, 948]] = False
    found = measure_undisputed(is_right)
    assert (found["correct"], found["total"]) == (9_983, 9_985)
    assert found["interval_95"][0] < found["accuracy"] < found["interval_95"][1]


def test_hardest_pictures_are_those_whose_label_is_least_probable() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(10), 60).astype(np.float32)
    labels = random.integers(0, 10, 60)
    found = find_hardest(probabilities, labels)
    of_label = probabilities[np.arange(60), labels]
    assert [one["index"] for one in found] == of_label.argsort()[:25].tolist()
    assert found[0]["label"] == labels[found[0]["index"]]
    assert found[0]["digit"] == probabilities[found[0]["index"]].argmax()
    np.testing.assert_allclose(found[0]["probabilities"], probabilities[found[0]["index"]], atol=1e-6)
