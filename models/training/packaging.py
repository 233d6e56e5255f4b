"""Packages a finished training as a model: evaluated on the test set, calibrated, exported, described by a card."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from models.arrays import Floats
from models.figures.figure import render
from models.figures.picture_sheet import draw_sheet
from models.inference.acceptance import is_accepted, margin
from models.inference.classifier import DigitClassifier, softmax
from models.inference.picture_probe import as_card, measure_on_pictures
from models.training.calibration import (
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    measure_coverage,
    negative_log_likelihood,
)
from models.training.data import Dataset, Split
from models.training.digit_network import DigitNetwork, count_parameters
from models.training.evaluation import (
    EVALUATION_BATCH_SIZE,
    Evaluation,
    evaluate,
    find_hardest,
    measure_digits,
    measure_undisputed,
)
from models.training.export import check_export, to_onnx, to_safetensors
from models.training.run import TrainingRun


@dataclass(frozen=True)
class ModelPackage:
    """A model's card and its files by name, the card among them."""

    card: dict[str, Any]
    files: dict[str, bytes]


def package_model(
    run: TrainingRun,
    *,
    recipe_name: str,
    epochs: Sequence[dict[str, Any]],
    seconds: float,
    spec: Mapping[str, Any] | None = None,
    start_from: dict[str, Any] | None = None,
    origin: dict[str, Any] | None = None,
) -> ModelPackage:
    """Returns the model of a finished run. Only here is the test set read. Raises ExportMismatch.

    `epochs` are the figures that the training reported, `seconds` is its wall time, `spec` is what was asked for.
    `start_from` names the version whose weights it started from, with what those had seen (worker/training_inputs.py).
    `origin` names the checkpoint of another training that it continued, {job, step}: no card says how to repeat that.
    """
    network = cast(DigitNetwork, run.final_network)  # teachers are not for serving
    test, validation = evaluate(network, run.dataset.test.to(run.device)), evaluate(network, run.validation)
    train = evaluate(network, run.train)
    network.cpu()
    weights, calibration = to_safetensors(network), calibrate(network, run.dataset)
    labels, scores = run.dataset.test.labels.numpy(), _logits(network, run.dataset.test)
    probabilities = softmax(scores / np.float32(calibration["temperature"]))
    hardest = find_hardest(probabilities, labels)
    undisputed = measure_undisputed(scores.argmax(axis=1) == labels) if run.dataset.name == "mnist" else None
    known = {name: calibration[name] for name in ("temperature", "min_margin")}
    model = to_onnx(network, **known)
    card = {
        "recipe": {"name": recipe_name, **asdict(run.recipe)},
        "seed": run.seed,
        "parameters": count_parameters(network),
        "start_from": start_from,
        "origin": origin,
        "test": _describe(test) | {"undisputed": undisputed, "hardest": hardest},
        "validation": _describe(validation),
        "train": _describe(train),
        "calibration": calibration,
        "epochs": list(epochs),
        "seconds": round(seconds, 1),
        "pictures": as_card(measure_on_pictures(DigitClassifier(model))),
        "largest_logit_difference": check_export(network, model, run.dataset.test, temperature=known["temperature"]),
        "input": "image: float32 (batch, 1, 28, 28) in 0..1, bright ink on dark",
        "output": "logits: float32 (batch, 10), already divided by the temperature",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "spec": dict(spec) if spec is not None else None,
        **describe_run(run),
    }
    files = {
        "weights.safetensors": weights,
        "model.onnx": model,
        "hardest.png": _draw_hardest(run.dataset.test, hardest),
        "card.json": (json.dumps(card, indent=1) + "\n").encode(),
    }
    return ModelPackage(card, files)


def describe_run(run: TrainingRun) -> dict[str, Any]:
    """Returns what, besides recipe and seed, the weights of a run depend on: data, teacher and environment."""
    return {
        "dataset": {"name": run.dataset.name, "sha256": run.dataset.sha256, "train": len(run.train)}
        | ({"mixed": run.dataset.mixed} if run.dataset.mixed else {}),
        "teacher": None if run.teacher is None else hashlib.sha256(to_safetensors(run.teacher)).hexdigest(),
    } | run.environment


def calibrate(network: DigitNetwork, dataset: Dataset) -> dict[str, Any]:
    """Returns the temperature and the thresholds, fitted on the validation split, and their figures on both splits."""
    splits = {"validation": dataset.validation, "test": dataset.test}
    logits = {name: _logits(network, split) for name, split in splits.items()}
    labels = {name: split.labels.numpy() for name, split in splits.items()}
    temperature = fit_temperature(logits["validation"], labels["validation"])
    probabilities = {name: softmax(scores / np.float32(temperature)) for name, scores in logits.items()}
    is_right = {name: answers.argmax(axis=1) == labels[name] for name, answers in probabilities.items()}
    min_margin = fit_threshold(margin(probabilities["validation"]), is_right["validation"])
    figures = {
        name: measure_coverage(is_accepted(probabilities[name], min_margin), is_right[name])
        | {"loss": negative_log_likelihood(logits[name] / np.float32(temperature), labels[name])}
        | {"before": _measure_calibration(logits[name], labels[name])}
        | {"after": _measure_calibration(logits[name] / np.float32(temperature), labels[name])}
        for name in logits
    }
    least_confidence = fit_threshold(probabilities["validation"].max(axis=1), is_right["validation"])
    return {"temperature": temperature, "min_margin": min_margin, "least_confidence": least_confidence} | figures


def _measure_calibration(logits: Floats, labels: NDArray[np.int64]) -> dict[str, float]:
    """Returns the expected calibration error and the mean negative log-likelihood, in nats."""
    return {
        "ece": expected_calibration_error(softmax(logits), labels),
        "nll": negative_log_likelihood(logits, labels),
    }


def _describe(evaluation: Evaluation) -> dict[str, Any]:
    return asdict(evaluation) | {"digits": measure_digits(evaluation.confusion)}


def _draw_hardest(test: Split, hardest: list[dict[str, Any]]) -> bytes:
    pictures = [test.images[one["index"], 0].numpy() for one in hardest]
    captions = [
        f"{one['index']}: {one['label']}\n{one['digit']} {max(one['probabilities']):.1%}"
        + (f", {one['label']} {one['probabilities'][one['label']]:.1%}" if one["digit"] != one["label"] else "")
        for one in hardest
    ]
    title = "The hardest test pictures, with index: label, and the probabilities of the prediction and of the label"
    return render(partial(draw_sheet, pictures, captions, title=title), "png")


@torch.inference_mode()
def _logits(network: DigitNetwork, split: Split) -> Floats:
    parts = [network.logits(images.float() / 255).numpy() for images in split.images.split(EVALUATION_BATCH_SIZE)]
    return np.concatenate(parts)
