"""From a finished training to a servable version: measured once on the test set, exported, and described in a card."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import torch

from models.digit_network import count_parameters
from models.export import check_export, to_onnx, to_safetensors
from models.training import TrainingRun, evaluate

LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime")


@dataclass(frozen=True)
class Proven:
    """The facts about a network, and its files by name."""

    card: dict[str, Any]
    files: dict[str, bytes]


def prove(run: TrainingRun, *, recipe_name: str, epochs: Sequence[dict[str, Any]], seconds: float) -> Proven:
    """Read the test set, for the first and only time, and write the files. Raises ExportMismatch.

    `epochs` are the figures that the training reported, `seconds` its wall time.
    """
    network = run.final_network
    test, validation = evaluate(network, run.dataset.test.to(run.device)), evaluate(network, run.validation)
    network.cpu()
    weights, model = to_safetensors(network), to_onnx(network)
    card = {
        "recipe": {"name": recipe_name, **asdict(run.recipe)},
        "seed": run.seed,
        "parameters": count_parameters(network),
        "dataset": {"name": run.dataset.name, "sha256": run.dataset.sha256, "train": len(run.train)},
        "test": asdict(test),
        "validation": asdict(validation),
        "epochs": list(epochs),
        "seconds": round(seconds, 1),
        "device": str(run.device),
        "threads": torch.get_num_threads(),
        "largest_logit_difference": check_export(network, model, run.dataset.test),
        "input": "image: float32 (batch, 1, 28, 28) in 0..1, bright ink on dark",
        "output": "logits: float32 (batch, 10)",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "libraries": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
    }
    files = {
        "weights.safetensors": weights,
        "model.onnx": model,
        "card.json": (json.dumps(card, indent=1) + "\n").encode(),
    }
    return Proven(card, files)
