import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load

from models.inference.classifier import DigitClassifier
from models.training.data import Dataset, Split
from models.training.digit_network import DigitNetwork
from models.training.evaluation import evaluate, wilson_interval
from models.training.export import ExportMismatch, check_export, to_onnx, to_safetensors
from models.training.packaging import calibrate

SHIPPED = Path(__file__).parents[3] / "models" / "pretrained"


@pytest.fixture
def network() -> DigitNetwork:
    """A network whose batch-norms have statistics that are far from nothing."""
    torch.manual_seed(0)
    network = DigitNetwork()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d) and layer.running_mean is not None and layer.running_var is not None:
            torch.nn.init.uniform_(layer.weight, 0.2, 2)
            torch.nn.init.normal_(layer.bias)
            torch.nn.init.normal_(layer.running_mean)
            torch.nn.init.uniform_(layer.running_var, 0.2, 2)
    return network.eval()


def noise(count: int) -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
    return Split(images, torch.zeros(count, dtype=torch.int64))


def test_folded_network_computes_what_torch_does(network: DigitNetwork) -> None:
    assert check_export(network, to_onnx(network), noise(50)) < 1e-4


def test_temperature_is_inside_the_file_and_its_facts_beside_it(network: DigitNetwork) -> None:
    plain = DigitClassifier(to_onnx(network))
    cooled = DigitClassifier(to_onnx(network, temperature=2.5, min_margin=0.93))
    pixels = noise(20).images.numpy().astype(np.float32) / 255
    np.testing.assert_allclose(cooled.logits(pixels), plain.logits(pixels) / 2.5, atol=1e-4)
    assert (plain.min_margin, cooled.min_margin) == (0.5, 0.93)
    assert check_export(network, to_onnx(network, temperature=2.5), noise(20), temperature=2.5) < 1e-4


def test_export_of_another_network_is_noticed(network: DigitNetwork) -> None:
    with pytest.raises(ExportMismatch):
        check_export(network, to_onnx(DigitNetwork()), noise(5))


def test_row_of_a_batch_equals_the_answer_for_it_alone(network: DigitNetwork) -> None:
    classifier = DigitClassifier(to_onnx(network))
    images = noise(33).images.numpy().reshape(-1, 28, 28)
    together = classifier.predict(images)
    alone = np.concatenate([classifier.predict(image[None]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-6)


def test_min_margin_is_read_under_its_old_key_too(network: DigitNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.export.MIN_MARGIN", "least_certainty")
    assert DigitClassifier(to_onnx(network, min_margin=0.97)).min_margin == 0.97


def test_safetensors_bring_the_network_back(network: DigitNetwork) -> None:
    again = DigitNetwork()
    again.load_state_dict(load(to_safetensors(network)))
    pixels = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(again.eval()(pixels), network(pixels), rtol=0, atol=0)


def test_shipped_network_is_as_good_as_its_card_says(mnist: Dataset) -> None:
    card = json.loads((SHIPPED / "card.json").read_text())
    network = DigitNetwork(dropout=card["recipe"]["dropout"])
    network.load_state_dict(load((SHIPPED / "weights.safetensors").read_bytes()))
    test = evaluate(network, mnist.test)
    model = (SHIPPED / "model.onnx").read_bytes()
    digits = DigitClassifier(model).predict(mnist.test.images.numpy().reshape(-1, 28, 28)).argmax(axis=1)
    assert test.correct == int((digits == mnist.test.labels.numpy()).sum()) == card["test"]["correct"] >= 9_940
    assert test.confusion == card["test"]["confusion"]
    assert wilson_interval(test.correct, test.total) == pytest.approx(card["test"]["interval_95"])
    known = card["calibration"]
    assert check_export(network, model, mnist.test, temperature=known["temperature"]) < 1e-4
    assert DigitClassifier(model).min_margin == known["min_margin"]
    metadata = {entry.key: float(entry.value) for entry in onnx.load_from_string(model).metadata_props}
    assert metadata == {name: known[name] for name in ("temperature", "min_margin")}
    assert card["teacher"] == hashlib.sha256((SHIPPED / "teacher.safetensors").read_bytes()).hexdigest()
    again = calibrate(network, mnist)
    assert again["temperature"] == pytest.approx(known["temperature"])
    assert again["min_margin"] == pytest.approx(known["min_margin"], abs=1e-4)
    assert again["test"]["accepted"] == pytest.approx(known["test"]["accepted"], abs=2)
    assert known["test"]["accuracy"] >= 0.998
    assert card["dataset"]["sha256"] == mnist.sha256
    assert card["parameters"] == 16_562
