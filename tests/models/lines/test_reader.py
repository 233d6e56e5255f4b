import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from models.data import Dataset, Split
from models.handwriting import draw_digits
from models.lines.network import line_network, log_probabilities
from models.lines.reader import HEIGHT, SHIPPED, STRIDE, LineReader, shipped_reader
from models.lines.training import to_onnx, train
from models.lines.writing import draw_strips


@pytest.fixture(scope="module")
def strips() -> tuple[np.ndarray, list[list[int]]]:
    """Lines of our own pen."""
    lines, texts = draw_strips(Split(*draw_digits(6)), 60, np.random.default_rng(5), plain=True)
    return lines[:, 0].numpy(), texts


def read(reader: LineReader, strip: np.ndarray) -> list[int]:
    return [int(sign.probabilities.argmax()) for sign in reader.read(strip)]


def test_shipped_reader_spells_out_lines(strips: tuple[np.ndarray, list[list[int]]]) -> None:
    lines, texts = strips
    right = [read(shipped_reader(), line) == text for line, text in zip(lines, texts, strict=True)]
    assert np.mean(right) > 0.8


def test_digits_stand_where_they_were_found(strips: tuple[np.ndarray, list[list[int]]]) -> None:
    lines, texts = strips
    for line, text in zip(lines, texts, strict=True):
        columns = np.flatnonzero(line.max(axis=0) > 0.3)
        places = [sign.x for sign in shipped_reader().read(line)]
        assert places == sorted(places)
        if len(text) == 1 and len(places) == 1:
            assert columns[0] - STRIDE <= places[0] <= columns[-1] + STRIDE


def test_nothing_is_read_where_there_is_nothing() -> None:
    assert shipped_reader().read(np.zeros((HEIGHT, 60), np.float32)) == []


def test_probabilities_are_of_ten_digits(strips: tuple[np.ndarray, list[list[int]]]) -> None:
    for sign in shipped_reader().read(strips[0][0]):
        assert sign.probabilities.shape == (10,)
        assert sign.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("width", [2, 60, 1500])
def test_exported_network_computes_what_the_trained_one_does(width: int) -> None:
    torch.manual_seed(0)
    network = line_network()
    network(torch.rand(4, 1, HEIGHT, 60))  # batch-norms that do something
    network.eval()
    strip = np.random.default_rng(0).random((HEIGHT, width), np.float32)
    with torch.inference_mode():
        ours = log_probabilities(network, torch.from_numpy(strip)[None, None])[:, 0].exp().numpy()
    assert np.abs(LineReader(to_onnx(network)).probabilities(strip) - ours).max() < 1e-5


def test_training_lowers_the_loss_and_repeats_itself(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = Split(*draw_digits(3))
    dataset = Dataset("ours", "", drawn, drawn, drawn)
    once, again = (to_onnx(train(dataset, steps=3, seed=1)) for _ in range(2))
    assert once == again
    assert once != to_onnx(train(dataset, steps=3, seed=2))


def test_card_is_of_the_file_that_ships() -> None:
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert card["parameters"] == sum(parameter.numel() for parameter in line_network().parameters())
    assert card["validation"]["read"] / card["validation"]["lines"] > 0.9


def test_service_loads_it_without_torch() -> None:
    code = "import sys, models.lines.reader as r; r.shipped_reader(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
