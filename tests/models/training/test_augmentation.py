from pathlib import Path

import numpy as np
import torch

from models.inference.classifier import DigitClassifier
from models.recipes import RECIPES, Recipe
from models.training.augmentation import augment
from models.training.data import Dataset
from models.training.outliers import draw_outliers
from models.training.synthetic_digits import draw_digits

SHIPPED = Path(__file__).parents[3] / "models" / "pretrained" / "model.onnx"


def test_amounts_depend_on_the_seed_alone(mnist: Dataset) -> None:
    pixels = mnist.train.images[:20].float() / 255
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(torch.cat([augment(pixels, RECIPES["robust"]), draw_outliers(pixels, 12)]))
    torch.testing.assert_close(made[0], made[1], rtol=0, atol=0)
    assert not torch.equal(made[0], made[2])


def test_broader_and_finer_strokes_stay_within_a_pixel() -> None:
    pen = Recipe(epochs=1, batch_size=1, learning_rate=1, stroke=1.0)
    pixels = torch.zeros(200, 1, 28, 28)
    pixels[:, :, 4:24, 12:15] = 1
    torch.manual_seed(0)
    widths = augment(pixels, pen)[:, 0, 14].sum(dim=1)
    assert 1 <= float(widths.min()) < 1.5
    assert 4.5 < float(widths.max()) <= 5
    assert int(torch.isclose(widths, torch.tensor(3.0)).sum()) > 40


def test_synthetic_digits_are_read_as_what_they_are() -> None:
    """By the network that ships; all but the 1 with a long flag, which one trained on MNIST alone may take for a 7."""
    pictures, labels = draw_digits(30)
    digits = DigitClassifier.load(SHIPPED).predict(pictures.numpy()[:, 0]).argmax(axis=1)
    is_right = digits == labels.numpy()
    assert len(pictures) == 300
    assert is_right[labels.numpy() != 1].mean() > 0.95


def test_outliers_are_as_many_as_asked_for_whatever_the_batch() -> None:
    digits = torch.rand(58, 1, 28, 28)
    for count in (0, 1, 5, 9, 20):
        outliers = draw_outliers(digits, count)
        assert outliers.shape == (count, 1, 28, 28)
        assert np.isfinite(outliers.numpy()).all()
        assert not count or 0 <= float(outliers.min()) <= float(outliers.max()) <= 1
