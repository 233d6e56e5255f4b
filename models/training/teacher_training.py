"""`make teacher` trains the teacher that ships: models/pretrained/teacher.safetensors and .json.

It is trained like the digit network, on the same pictures and their labels. MNIST's test set is not read.
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
from models.training.data import load_local_mnist
from models.training.digit_network import count_parameters
from models.training.evaluation import evaluate
from models.training.export import to_safetensors
from models.training.run import Epoch, TrainingRun, train
from models.training.teacher import TEACHER_FILE, TeacherNetwork

RECIPE = replace(RECIPES["robust"], epochs=14, weight_decay=5e-4, cooldown=0.0, distillation_weight=0.0)
SEED = 1  # with the teacher of seed 2, the digit network had a higher validation loss


class EpochLog:
    """Keeps the figures of each epoch, and prints them."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []

    def before_training(self, run: TrainingRun) -> None: ...

    def after_batch(self, run: TrainingRun) -> None: ...

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.epochs.append(asdict(epoch))
        print(json.dumps(self.epochs[-1]), flush=True)


def main() -> None:
    dataset, start, log = load_local_mnist(), time.perf_counter(), EpochLog()
    cpu = torch.device("cpu")
    run = train(RECIPE, dataset, seed=SEED, device=cpu, observer=log, build=lambda _: TeacherNetwork())
    weights = to_safetensors(run.final_network)
    card = {
        "parameters": count_parameters(run.final_network),
        "recipe": asdict(RECIPE),
        "seed": SEED,
        "seconds": round(time.perf_counter() - start, 1),
        "threads": run.threads,
        "dataset": {"name": dataset.name, "sha256": dataset.sha256, "train": len(dataset.train)},
        "validation": asdict(evaluate(run.final_network, dataset.validation)),
        "epochs": log.epochs,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "libraries": {"python": platform.python_version(), "torch": version("torch")},
    }
    TEACHER_FILE.write_bytes(weights)
    TEACHER_FILE.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()
