from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from app.registry.service import SHIPPED
from models.inference.classifier import LAYERS, DigitClassifier
from models.inference.explanation import explain, occlude
from models.training.data import Dataset
from models.training.digit_network import DigitNetwork
from models.training.export import to_onnx


@pytest.fixture(scope="module")
def classifier() -> DigitClassifier:
    return DigitClassifier.load(Path(SHIPPED) / "model.onnx")


def test_activations_are_those_that_torch_computes() -> None:
    torch.manual_seed(0)
    network = DigitNetwork().eval()
    computed: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Any:
        return lambda _, __, output: computed.update({name: output})

    for name in ("conv1", "conv2", "conv4", "conv5"):
        getattr(network, name)[1].register_forward_hook(keep(name))  # its ReLU
    for name in ("conv3", "conv6", "conv7"):
        getattr(network, name).register_forward_hook(keep(name))
    pixels = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        network(pixels)
        computed["conv7"] = torch.relu(computed["conv7"])
        computed["average"] = computed["conv7"].mean(dim=(2, 3), keepdim=True)
        for pool, layer in (("pool1", "conv3"), ("pool2", "conv6")):
            computed[pool] = torch.nn.functional.max_pool2d(computed[layer], 2)

    found = DigitClassifier(to_onnx(network)).activations(pixels.numpy())

    assert list(found) == list(LAYERS)
    for name, values in found.items():
        np.testing.assert_allclose(values, computed[name].numpy(), atol=1e-5, err_msg=name)


def test_saliency_of_real_digits_lies_on_their_strokes(classifier: DigitClassifier, mnist: Dataset) -> None:
    for image in mnist.test.images[:10, 0].numpy():
        pixels = image.astype(np.float32) / np.float32(255)
        magnitude = np.abs(occlude(classifier, pixels))
        near_ink = binary_dilation(pixels > 0.5, iterations=2)
        assert magnitude[near_ink].sum() > 0.85 * magnitude.sum()
        assert near_ink.mean() < 0.45


def test_value_of_a_pixel_is_the_mean_over_the_patches_that_cover_it(classifier: DigitClassifier) -> None:
    pixels = np.zeros((28, 28), np.float32)
    pixels[6:20, 14:16] = 1
    found, before = occlude(classifier, pixels), _log_odds(classifier, pixels)
    falls = []
    for y in range(5, 9):
        for x in range(11, 15):
            covered = pixels.copy()
            covered[y : y + 4, x : x + 4] = 0
            falls.append(before - _log_odds(classifier, covered, digit_of=pixels))
    assert found[8, 14] == pytest.approx(np.mean(falls), abs=1e-4)


def test_nothing_is_explained_of_an_empty_picture(classifier: DigitClassifier) -> None:
    explanation = explain(classifier, np.zeros((28, 28), np.float32))
    assert not explanation.saliency.any()
    assert np.isfinite(explanation.activations["conv7"]).all()


def _log_odds(classifier: DigitClassifier, pixels: Any, *, digit_of: Any = None) -> float:
    digit = int(classifier.logits((pixels if digit_of is None else digit_of)[None, None]).argmax())
    logits = classifier.logits(pixels[None, None])[0].astype(np.float64)
    return float(logits[digit] - np.log(np.exp(np.delete(logits, digit)).sum()))
