"""`make reader` trains the line reader that ships: models/pretrained/reader.onnx and reader.json.

Every step draws new lines, so there are no epochs. AdamW runs under one cycle of the learning rate, and the moving
average of the weights is what ships. The reader reads 3,813 of 4,000 lines by the writers of the validation split
correctly; its training took 2,167 s on two cores beside other work (models/pretrained/reader.json). MNIST's test set is
not read.
"""

import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.inference.acceptance import is_accepted, margin
from models.inference.classifier import MIN_MARGIN
from models.inference.line_reader import LineReader
from models.pictures.line_format import BLANK, HEIGHT
from models.training.calibration import fit_threshold, measure_coverage
from models.training.data import Dataset, Split, load_local_mnist
from models.training.line_drawing import draw_line_images
from models.training.line_network import line_network, log_probabilities
from models.training.onnx_graph import GraphBuilder
from models.training.run import choose_precision
from models.training.synthetic_digits import PICTURES_PER_DIGIT, draw_digits

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SEED = 0
STEPS, BATCH_SIZE = 9000, 64
LEARNING_RATE, WEIGHT_DECAY, AVERAGE_DECAY = 4e-3, 1e-2, 0.998
MAX_GRADIENT_NORM = 5.0  # exceeded in the first steps only
VALIDATION_LINES = 4000
STEPS_PER_REPORT = 100  # printed on the terminal


def train(dataset: Dataset, *, steps: int = STEPS, seed: int = SEED) -> nn.Sequential:
    """Returns the network with the moving average of the weights."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    images, labels = draw_digits(PICTURES_PER_DIGIT)
    digits = Split(torch.cat([dataset.train.images, images]), torch.cat([dataset.train.labels, labels]))
    network: nn.Sequential = line_network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.15)
    precision = choose_precision("auto", torch.device("cpu"))
    start, losses = time.perf_counter(), []
    for step in range(1, steps + 1):
        lines, texts = draw_line_images(digits, BATCH_SIZE, random)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            scores = log_probabilities(network, lines.to(memory_format=torch.channels_last))
        loss = line_loss(scores, texts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        losses.append(loss.item())
        if step % STEPS_PER_REPORT == 0:
            seconds = time.perf_counter() - start
            print(f"step {step}: loss {np.mean(losses[-STEPS_PER_REPORT:]):.4f}, {seconds:.0f} s", flush=True)
    network.load_state_dict(average.module.state_dict())
    network.eval()
    return network


def line_loss(scores: Tensor, texts: list[list[int]]) -> Tensor:
    """Returns the CTC loss of log-probabilities (columns, lines, 11) for the texts of the lines, in nats per digit."""
    lengths, columns = torch.tensor([len(text) for text in texts]), torch.full((len(texts),), len(scores))
    targets = torch.tensor([digit for text in texts for digit in text])
    # zero_infinity: two equal digits with no column for a blank between them have a probability of zero
    loss: Tensor = nn.functional.ctc_loss(scores, targets, columns, lengths, blank=BLANK, zero_infinity=True)
    return loss


def to_onnx(network: nn.Sequential, *, min_margin: float = 1.0) -> bytes:
    """Returns the folded network, from `strip` float32 (1, 1, 32, width) to `scores` (1, 11, 1, width / 2)."""
    builder = GraphBuilder("lines", ("strip", [1, 1, HEIGHT, "width"]), ("scores", [1, BLANK + 1, 1, "columns"]))
    layers = list(network)
    for number, (layer, following) in enumerate(zip(layers, [*layers[1:], None], strict=True)):
        if isinstance(layer, nn.Conv2d):
            builder.add_convolution(f"conv{number}", layer, following)
        elif isinstance(layer, nn.ReLU):
            builder.add("Relu")
        elif isinstance(layer, nn.MaxPool2d):
            sides = nn.modules.utils._pair(layer.kernel_size)
            builder.add("MaxPool", kernel_shape=list(sides), strides=list(sides))
    return builder.serialize({MIN_MARGIN: str(min_margin)})


def evaluate_reader(reader: LineReader, dataset: Dataset) -> dict[str, Any]:
    """Returns how the reader reads lines of the validation writers, and the lowest margin of accepted digits.

    The margin is fitted on the lines whose number of digits was right: it does not detect extra or missing digits.
    """
    images, texts = draw_line_images(
        dataset.validation, VALIDATION_LINES, np.random.default_rng(SEED), is_augmented=False
    )
    lines = [reader.read(image) for image in images[:, 0].numpy()]
    aligned = [(digits, text) for digits, text in zip(lines, texts, strict=True) if len(digits) == len(text)]
    probabilities = np.array([digit.probabilities for digits, _ in aligned for digit in digits])
    labels = np.array([digit for _, text in aligned for digit in text])
    is_right = probabilities.argmax(axis=1) == labels
    threshold = fit_threshold(margin(probabilities), is_right)
    read = sum([int(digit.probabilities.argmax()) for digit in digits] == text for digits, text in aligned)
    counts = {"lines": VALIDATION_LINES, "of_right_length": len(aligned), "read": read, "min_margin": threshold}
    return counts | measure_coverage(is_accepted(probabilities, threshold), is_right)


def main() -> None:
    dataset, start = load_local_mnist(), time.perf_counter()
    network = train(dataset)
    validation = evaluate_reader(LineReader(to_onnx(network)), dataset)
    model = to_onnx(network, min_margin=validation["min_margin"])
    card = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seed": SEED,
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "seconds": round(time.perf_counter() - start, 1),
        "threads": torch.get_num_threads(),
        "precision": choose_precision("auto", torch.device("cpu")),
        "dataset": {"name": dataset.name, "sha256": dataset.sha256, "train": len(dataset.train)},
        "validation": validation,
        "sha256": hashlib.sha256(model).hexdigest(),
        "libraries": {"python": platform.python_version(), "torch": version("torch"), "onnx": version("onnx")},
    }
    print(json.dumps(card["validation"]))
    (PRETRAINED / "reader.onnx").write_bytes(model)
    (PRETRAINED / "reader.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
