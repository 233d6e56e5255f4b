"""`make reader` trains the line reader that ships: models/pretrained/reader.onnx and reader.json.

No two lines are alike, so there are steps and no epochs: AdamW under one cycle of the learning rate, and the moving
average of the weights is kept. The writers of the validation split are not learnt from; MNIST's test set is not read.
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
from models.training.calibration import coverage, least_trusted
from models.training.data import Dataset, Split, load_mnist_here
from models.training.line_drawing import draw_strips
from models.training.line_network import line_network, log_probabilities
from models.training.onnx_graph import GraphBuilder
from models.training.synthetic_digits import draw_digits

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SEED = 0
STEPS, BATCH = 6000, 64
LEARNING_RATE, WEIGHT_DECAY, DECAY = 4e-3, 1e-2, 0.998
LARGEST_GRADIENT = 5.0  # norm; the first steps' are larger
DRAWINGS_EACH = 300  # of every digit, beside MNIST's
PROVED = 4000  # lines of the validation writers
REPORTED = 100  # steps between two lines on the terminal


def train(dataset: Dataset, *, steps: int = STEPS, seed: int = SEED) -> nn.Sequential:
    """The average network at the end of a training."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    images, labels = draw_digits(DRAWINGS_EACH)
    digits = Split(torch.cat([dataset.train.images, images]), torch.cat([dataset.train.labels, labels]))
    network: nn.Sequential = line_network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(DECAY), use_buffers=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.15)
    start, losses = time.perf_counter(), []
    for step in range(1, steps + 1):
        strips, texts = draw_strips(digits, BATCH, random)
        loss = line_loss(log_probabilities(network, strips.to(memory_format=torch.channels_last)), texts)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        losses.append(loss.item())
        if step % REPORTED == 0:
            print(
                f"step {step}: loss {np.mean(losses[-REPORTED:]):.4f}, {time.perf_counter() - start:.0f} s", flush=True
            )
    network.load_state_dict(average.module.state_dict())
    network.eval()
    return network


def line_loss(scores: Tensor, texts: list[list[int]]) -> Tensor:
    """Of log-probabilities (columns, lines, 11) against what stands in the lines, in nats a digit."""
    lengths, columns = torch.tensor([len(text) for text in texts]), torch.full((len(texts),), len(scores))
    targets = torch.tensor([digit for text in texts for digit in text])
    # a line whose equal neighbours leave no column between them cannot be spelt out
    loss: Tensor = nn.functional.ctc_loss(scores, targets, columns, lengths, blank=BLANK, zero_infinity=True)
    return loss


def to_onnx(network: nn.Sequential, *, min_margin: float = 1.0) -> bytes:
    """Input `strip` float32 (1, 1, 32, width), output `scores` (1, 11, 1, width / 2), with folded batch-norms."""
    builder = GraphBuilder("lines", ("strip", [1, 1, HEIGHT, "width"]), ("scores", [1, BLANK + 1, 1, "columns"]))
    layers = list(network)
    for number, (layer, following) in enumerate(zip(layers, [*layers[1:], None], strict=True)):
        if isinstance(layer, nn.Conv2d):
            pads = [*layer.padding, *layer.padding]
            builder.add("Conv", f"conv{number}", *_fold(layer, following), pads=pads)
        elif isinstance(layer, nn.ReLU):
            builder.add("Relu")
        elif isinstance(layer, nn.MaxPool2d):
            sides = nn.modules.utils._pair(layer.kernel_size)
            builder.add("MaxPool", kernel_shape=list(sides), strides=list(sides))
    return builder.serialize({MIN_MARGIN: str(min_margin)})


def _fold(layer: nn.Conv2d, norm: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution and the batch-norm that follows it, if one does."""
    weight = layer.weight.detach().double()
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        return weight, layer.get_parameter("bias").detach().double()
    weight, bias = nn.utils.fusion.fuse_conv_bn_weights(
        weight, None, norm.running_mean.double(), norm.running_var.double(), norm.eps, norm.weight, norm.bias
    )
    return weight.detach(), bias.detach()


def prove(reader: LineReader, dataset: Dataset) -> dict[str, Any]:
    """How lines of the validation writers are read, and the margin from which on their digits are accepted.

    That is fitted where as many digits were read as there are: of a digit too many or too few it knows nothing.
    """
    strips, texts = draw_strips(dataset.validation, PROVED, np.random.default_rng(SEED), plain=True)
    lines = [reader.read(strip) for strip in strips[:, 0].numpy()]
    told = [(digits, text) for digits, text in zip(lines, texts, strict=True) if len(digits) == len(text)]
    probabilities = np.array([digit.probabilities for digits, _ in told for digit in digits])
    labels = np.array([digit for _, text in told for digit in text])
    is_right = probabilities.argmax(axis=1) == labels
    least = least_trusted(margin(probabilities), is_right)
    read = sum([int(digit.probabilities.argmax()) for digit in digits] == text for digits, text in told)
    facts = {"lines": PROVED, "of_right_length": len(told), "read": read, "min_margin": least}
    return facts | coverage(is_accepted(probabilities, least), is_right)


def main() -> None:
    dataset, start = load_mnist_here(), time.perf_counter()
    network = train(dataset)
    validation = prove(LineReader(to_onnx(network)), dataset)
    model = to_onnx(network, min_margin=validation["min_margin"])
    card = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seed": SEED,
        "steps": STEPS,
        "batch_size": BATCH,
        "seconds": round(time.perf_counter() - start, 1),
        "threads": torch.get_num_threads(),
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
