"""`make eye` trains the eye that ships: models/pretrained/eye.onnx and eye.json.

The scenes (scenes/composition.py) are drawn from MNIST's training writers, synthetic digits and printed ones, so their
ink is known exactly. No photo and no picture of the validation writers is used.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.pictures.view import CHANNELS
from models.training.data import load_local_mnist
from models.training.eye_network import Block, EyeNetwork
from models.training.onnx_graph import GraphBuilder
from models.training.scenes.composition import HARD_SHARES, USUAL_SHARES, Shares
from models.training.scenes.views import Example, draw_views

PRETRAINED = Path(__file__).parents[1] / "pretrained"
SEED = 0
SCENES, EPOCHS, LEARNING_RATE = 48_000, 5, 4e-3
REFINING_SCENES, REFINING_EPOCHS, REFINING_RATE = 40_000, 4, 2e-3  # on what is hard: HARD_SHARES
SCENES_PER_CHUNK, VALIDATION_SCENES = 250, 1000  # each scene gives two or three views
BATCH_PIXELS = 64 * 64**2
WEIGHT_DECAY, AVERAGE_DECAY = 1e-2, 0.999
STEPS_PER_REPORT = 100  # printed on the terminal

Views = tuple[Tensor, Tensor]  # int8 (count, 6, side, side) times 127; uint8 (count, 2, side, side) times 255


def draw_dataset(scenes: int, *, seed: int, processes: int, shares: Shares = USUAL_SHARES) -> list[Views]:
    """Draw the views of so many scenes, those of each size together.

    Each chunk of scenes has a seed of its own, so the result does not depend on the number of processes.
    """
    dataset = load_local_mnist()
    digits = dataset.train.images[:, 0].numpy(), dataset.train.labels.numpy()
    sizes: dict[int, list[Example]] = {}
    with multiprocessing.get_context("fork").Pool(processes, _keep, digits) as pool:
        tasks = [(seed, chunk, shares) for chunk in range(-(-scenes // SCENES_PER_CHUNK))]
        for drawn in pool.imap(_draw_chunk, tasks):
            for view in drawn:
                sizes.setdefault(view[0].shape[1], []).append(view)
    return [_stack(sizes[side]) for side in sorted(sizes)]


def train(dataset: list[Views], *, epochs: int = EPOCHS, seed: int = SEED) -> EyeNetwork:
    """Returns a new network with the moving average of the weights."""
    torch.manual_seed(seed)
    return _fit(EyeNetwork(), dataset, epochs, LEARNING_RATE)


def refine(model: bytes, dataset: list[Views], *, epochs: int = REFINING_EPOCHS, seed: int = SEED) -> EyeNetwork:
    """Returns the exported network, trained further. Its batch-norms are folded, so they stay as they are."""
    torch.manual_seed(seed)
    return _fit(from_onnx(model).eval(), dataset, epochs, REFINING_RATE)


def _fit(network: EyeNetwork, dataset: list[Views], epochs: int, rate: float) -> EyeNetwork:
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE_DECAY), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
    batches = [batch for _ in range(epochs) for batch in _shuffle(dataset)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=len(batches), pct_start=0.1)
    start, losses = time.perf_counter(), []
    for views, chosen in batches:
        pixels, ink = vary(views[0][chosen].float() / 127, views[1][chosen].float() / 255)
        loss = ink_loss(network(pixels.to(memory_format=torch.channels_last)), ink)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        losses.append(loss.item())
        if len(losses) % STEPS_PER_REPORT == 0:
            recent, seconds = np.mean(losses[-STEPS_PER_REPORT:]), time.perf_counter() - start
            print(f"step {len(losses)} of {len(batches)}: loss {recent:.4f}, {seconds:.0f} s", flush=True)
    network.load_state_dict(average.module.state_dict())
    network.eval()
    return network


def _shuffle(dataset: list[Views]) -> list[tuple[Views, Tensor]]:
    """The batches of an epoch in random order: views of one size, and which of them. Each has as many pixels."""
    batches = []
    for views in dataset:
        size = min(len(views[0]), max(8, BATCH_PIXELS // views[0].shape[-1] ** 2))
        batches += [(views, chosen) for chosen in torch.randperm(len(views[0])).split(size) if len(chosen) == size]
    return [batches[index] for index in torch.randperm(len(batches)).tolist()]


def vary(views: Tensor, inks: Tensor) -> Views:
    """Mirror, turn into the negative and exchange the colour channels of half of the batch each."""
    if torch.rand(()) < 0.5:
        views, inks = views.flip(3), inks.flip(3)
    if torch.rand(()) < 0.5:
        views = torch.cat([-views[:, :3], -views[:, 4:5], -views[:, 3:4], views[:, 5:]], dim=1)
    return views[:, [*torch.randperm(3).tolist(), 3, 4, 5]], inks


def ink_loss(logits: Tensor, inks: Tensor) -> Tensor:
    """Returns the cross-entropy of the pixels, in nats, and a tenth of the soft Dice loss of each view."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, inks)
    found = logits.sigmoid()
    overlap, total = (found * inks).sum(dim=(2, 3)), (found + inks).sum(dim=(2, 3))
    dice: Tensor = 1 - (2 * overlap + 8) / (total + 8)
    return entropy + 0.1 * dice.mean()


def to_onnx(network: EyeNetwork) -> bytes:
    """Returns the folded network, from `view` (1, 6, height, width) to `ink` (1, 2, height, width), logits."""
    builder = GraphBuilder("eye", ("view", [1, CHANNELS, "height", "width"]), ("ink", [1, 2, "height", "width"]))
    found = [_add(builder, "stem", network.stem)]
    for number, (down, deepen) in enumerate(zip(network.down, network.deepen, strict=True)):
        _add(builder, f"down{number}", down)
        found.append(_add(builder, f"deepen{number}", deepen))
    found.pop()
    for number, (narrow, up) in enumerate(zip(network.narrow, network.up, strict=True)):
        builder.add_convolution(f"narrow{number}", cast(nn.Conv2d, narrow))
        builder.add_doubling()
        builder.add("Add", also=(found.pop(),))
        _add(builder, f"up{number}", up)
    builder.add_convolution("head", network.head)
    builder.add("DepthToSpace", blocksize=2, mode="CRD")
    return builder.serialize({})


def from_onnx(model: bytes) -> EyeNetwork:
    """Returns the network of such a file: each batch-norm adds the bias of the folded convolution, nothing else."""
    weights = {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(model).graph.initializer}
    network = EyeNetwork()
    blocks = {"stem": network.stem}
    for name, group in (("down", network.down), ("deepen", network.deepen), ("up", network.up)):
        blocks |= {f"{name}{number}": cast(Block, block) for number, block in enumerate(group)}
    plain = {"head": network.head}
    plain |= {f"narrow{number}": cast(nn.Conv2d, layer) for number, layer in enumerate(network.narrow)}
    with torch.no_grad():
        for name, block in blocks.items():
            block.convolution.weight.copy_(torch.tensor(weights[f"{name}.weight"]))
            block.norm.bias.copy_(torch.tensor(weights[f"{name}.bias"]))
            block.norm.running_var.fill_(1 - block.norm.eps)  # type: ignore[union-attr]
        for name, layer in plain.items():
            layer.weight.copy_(torch.tensor(weights[f"{name}.weight"]))
            cast(Tensor, layer.bias).copy_(torch.tensor(weights[f"{name}.bias"]))
    return network


def _add(builder: GraphBuilder, name: str, block: nn.Module) -> str:
    block = cast(Block, block)
    builder.add_convolution(name, block.convolution, block.norm)
    return builder.add("Relu")


def evaluate(network: EyeNetwork, dataset: list[Views]) -> dict[str, float]:
    """Returns the mean overlap of found and true ink of digits (intersection over union at 0.5)."""
    overlaps = []
    with torch.inference_mode():
        for views, inks in dataset:
            for batch, ink in zip(views.split(256), inks[:, 0].split(256), strict=True):
                found = network((batch.float() / 127).to(memory_format=torch.channels_last))[:, 0] > 0
                both, either = (found & (ink > 127)).sum(dim=(1, 2)), (found | (ink > 127)).sum(dim=(1, 2))
                overlaps += ((both + 4) / (either + 4)).tolist()
    return {"views": len(overlaps), "overlap": float(np.mean(overlaps))}


def _stack(views: list[Example]) -> Views:
    return torch.from_numpy(np.stack([view for view, _ in views])), torch.from_numpy(
        np.stack([ink for _, ink in views])
    )


_digits: tuple[NDArray[np.uint8], NDArray[np.int64]]  # of the training writers: a forked process gets them once


def _keep(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    global _digits
    _digits = images, labels


def _draw_chunk(task: tuple[int, int, Shares]) -> list[Example]:
    *seed, shares = task
    return list(draw_views(*_digits, SCENES_PER_CHUNK, np.random.default_rng(seed), shares=shares))


def main() -> None:
    """Train the eye, then refine it; `--refine-only` begins with the file that is there."""
    parser = argparse.ArgumentParser(description="Train the eye.")
    parser.add_argument("--output", type=Path, default=PRETRAINED)
    parser.add_argument("--refine-only", action="store_true")
    arguments = parser.parse_args()
    start, processes, file = time.perf_counter(), len(os.sched_getaffinity(0)), arguments.output / "eye.onnx"
    if not arguments.refine_only:
        file.write_bytes(to_onnx(train(draw_dataset(SCENES, seed=SEED, processes=processes))))
    refining = draw_dataset(REFINING_SCENES, seed=SEED + 2, processes=processes, shares=HARD_SHARES)
    network = refine(file.read_bytes(), refining)
    model = to_onnx(network)
    file.write_bytes(model)
    card = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seed": SEED,
        "scenes": [SCENES, REFINING_SCENES],
        "epochs": [EPOCHS, REFINING_EPOCHS],
        "batch_pixels": BATCH_PIXELS,
        "seconds": round(time.perf_counter() - start, 1),
        "threads": torch.get_num_threads(),
        "validation": evaluate(network, draw_dataset(VALIDATION_SCENES, seed=SEED + 1, processes=processes)),
        "sha256": hashlib.sha256(model).hexdigest(),
        "libraries": {"python": platform.python_version(), "torch": version("torch"), "onnx": version("onnx")},
    }
    print(json.dumps(card["validation"]))
    file.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
