"""`make teacher` trains the teacher that ships: models/pretrained/teacher.safetensors and .json.

It learns as the digit network does, from the same pictures and their labels; MNIST's test set is not read.
"""

import hashlib
import json
import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import torch

from models.recipes import RECIPES
from models.training.data import load_mnist_here
from models.training.digit_network import count_parameters
from models.training.evaluation import evaluate
from models.training.export import to_safetensors
from models.training.run import Epoch, TrainingRun
from models.training.teacher import FILE, TeacherNetwork

RECIPE = replace(RECIPES["robust"], epochs=14, weight_decay=5e-4, settling=0.0, taught=0.0)
SEED = 1  # the student of 2 had the higher loss on the validation split


class Epochs:
    """Notes the figures of each epoch, and shows them."""

    def __init__(self) -> None:
        self.figures: list[dict[str, Any]] = []

    def after_batch(self, run: TrainingRun) -> None: ...

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.figures.append(asdict(epoch))
        print(json.dumps(self.figures[-1]), flush=True)


def main() -> None:
    dataset, start, epochs = load_mnist_here(), time.perf_counter(), Epochs()
    run = TrainingRun(RECIPE, dataset, seed=SEED, device=torch.device("cpu"), build=lambda _: TeacherNetwork())
    run.advance(epochs)
    weights = to_safetensors(run.final_network)
    card = {
        "parameters": count_parameters(run.final_network),
        "recipe": asdict(RECIPE),
        "seed": SEED,
        "seconds": round(time.perf_counter() - start, 1),
        "threads": run.threads,
        "dataset": {"name": dataset.name, "sha256": dataset.sha256, "train": len(dataset.train)},
        "validation": asdict(evaluate(run.final_network, dataset.validation)),
        "epochs": epochs.figures,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "libraries": {"python": platform.python_version(), "torch": version("torch")},
    }
    FILE.write_bytes(weights)
    FILE.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
