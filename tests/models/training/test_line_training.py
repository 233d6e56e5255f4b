import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from models.inference.line_reader import SHIPPED, LineReader
from models.pictures.centring import centre
from models.pictures.line_format import HEIGHT, STRIDE
from models.training.data import Dataset, Split
from models.training.line_drawing import draw_line_images
from models.training.line_network import line_network, log_probabilities
from models.training.line_training import line_loss, to_onnx, train
from models.training.scenes.pens import outline_digit
from models.training.synthetic_digits import draw_digits

READER = LineReader.load()


@pytest.fixture(scope="module")
def lines() -> tuple[np.ndarray, list[list[int]]]:
    """Line images of synthetic digits, and their texts."""
    random = np.random.default_rng(5)
    pictures = [centre(np.pad(outline_digit(digit, 64, random), 1))[0] for digit in range(10) for _ in range(6)]
    digits = Split(torch.from_numpy(np.stack(pictures)[:, None]), torch.arange(10).repeat_interleave(6))
    images, texts = draw_line_images(digits, 60, random, is_augmented=False)
    return images[:, 0].numpy(), texts


def read(reader: LineReader, image: np.ndarray) -> list[int]:
    return [int(digit.probabilities.argmax()) for digit in reader.read(image)]


def test_shipped_reader_spells_out_lines(lines: tuple[np.ndarray, list[list[int]]]) -> None:
    right = [read(READER, image) == text for image, text in zip(*lines, strict=True)]
    assert np.mean(right) > 0.8


def test_digits_stand_where_they_were_found(lines: tuple[np.ndarray, list[list[int]]]) -> None:
    looked_at = 0
    for line, text in zip(*lines, strict=True):
        digits = READER.read(line)
        if len(text) == len(digits) == 1:
            columns = np.flatnonzero(line.max(axis=0) > 0.3)
            assert columns[0] - STRIDE <= digits[0].x <= columns[-1] + STRIDE
            looked_at += 1
    assert looked_at >= 3


def test_nothing_is_read_where_there_is_nothing() -> None:
    assert READER.read(np.zeros((HEIGHT, 60), np.float32)) == []


def test_probabilities_are_of_ten_digits(lines: tuple[np.ndarray, list[list[int]]]) -> None:
    for digit in READER.read(lines[0][0]):
        assert digit.probabilities.shape == (10,)
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("width", [2, 60, 1500])
def test_exported_network_computes_what_the_trained_one_does(width: int) -> None:
    torch.manual_seed(0)
    network = line_network()
    network(torch.rand(4, 1, HEIGHT, 60))  # batch-norms that do something
    network.eval()
    image = np.random.default_rng(0).random((HEIGHT, width), np.float32)
    moved = np.stack([np.pad(image, ((1, 1), (0, 0)))[top : top + HEIGHT] for top in range(3)])  # up, not, down
    with torch.inference_mode():
        scores: torch.Tensor = network(torch.from_numpy(moved)[:, None])
    ours = scores[:, :, 0].mean(dim=0).T.softmax(dim=1).numpy()
    assert np.abs(LineReader(to_onnx(network)).probabilities(image) - ours).max() < 1e-5


def test_training_repeats_itself_and_learns() -> None:
    drawn = Split(*draw_digits(3))
    dataset = Dataset("ours", "", drawn, drawn, drawn)
    once, again, other = (train(dataset, steps=3, seed=seed) for seed in (1, 1, 2))
    assert to_onnx(once) == to_onnx(again) != to_onnx(other)
    images, texts = draw_line_images(drawn, 16, np.random.default_rng(0), is_augmented=False)
    with torch.inference_mode():
        before, after = (
            float(line_loss(log_probabilities(network, images), texts)) for network in (line_network().eval(), once)
        )
    assert after < before


def test_card_is_of_the_file_that_ships() -> None:
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert card["parameters"] == sum(parameter.numel() for parameter in line_network().parameters())
    assert card["validation"]["read"] / card["validation"]["lines"] > 0.9


def test_service_loads_it_without_torch() -> None:
    code = "import sys, models.inference.line_reader as r; r.LineReader.load(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
