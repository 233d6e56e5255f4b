import hashlib
import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch

from models.pictures.eye import SHIPPED
from models.training.eye_network import EyeNetwork
from models.training.eye_training import Views, ink_loss, to_onnx, train
from models.training.scenes.views import draw_views
from models.training.synthetic_digits import draw_digits


@pytest.fixture(scope="module")
def views() -> list[Views]:
    pictures, labels = draw_digits(3)
    drawn = draw_views(pictures[:, 0].numpy(), labels.numpy(), 40, np.random.default_rng(0))
    near = [view for view in drawn if view[0].shape[1] == 64]
    return [
        (
            torch.from_numpy(np.stack([pixels for pixels, _ in near])),
            torch.from_numpy(np.stack([ink for _, ink in near])),
        )
    ]


@pytest.mark.parametrize("sides", [(64, 64), (96, 160), (16, 320)])
def test_exported_network_computes_what_the_trained_one_does(sides: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = EyeNetwork()
    network(torch.randn(4, 6, 64, 64))  # batch-norms that do something
    network.eval()
    view = torch.randn(1, 6, *sides)
    with torch.inference_mode():
        ours = network(view).numpy()
    exported = onnxruntime.InferenceSession(to_onnx(network)).run(["ink"], {"view": view.numpy()})[0]
    assert exported.shape == (1, 2, *sides)
    assert np.abs(exported - ours).max() < 1e-4


def test_training_repeats_itself_and_learns(views: list[Views]) -> None:
    once, again, other = (train(views, epochs=2, seed=seed) for seed in (1, 1, 2))
    assert to_onnx(once) == to_onnx(again) != to_onnx(other)
    pixels, ink = views[0][0].float() / 127, views[0][1].float() / 255
    with torch.inference_mode():
        before, after = (float(ink_loss(network(pixels), ink)) for network in (EyeNetwork().eval(), once))
    assert after < before


def test_card_is_of_the_file_that_ships() -> None:
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert card["parameters"] == sum(parameter.numel() for parameter in EyeNetwork().parameters())
    assert card["validation"]["overlap"] > 0.6


def test_service_loads_it_without_torch() -> None:
    code = "import sys, models.pictures.eye as e; e.Eye.load(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
