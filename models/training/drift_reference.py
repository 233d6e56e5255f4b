"""What pictures the shipped network learnt from, in a few numbers: the reference that drift is measured against.

`make reference` writes models/pretrained/reference.json: the share of each digit among the training pictures, of their
ink (mean brightness as the network sees it) in ten equal parts, and of the network's confidence on
the pictures of the writers that were held out, for on its training pictures it is surer than on any that will come.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.inference.classifier import DigitClassifier
from models.training.data import Dataset, load_mnist_here

PRETRAINED = Path(__file__).parents[1] / "pretrained"
CONFIDENCES = (0.5, 0.7, 0.9, 0.99, 0.999, 0.9999, 0.99999)


def describe(dataset: Dataset, classifier: DigitClassifier) -> dict[str, dict[str, list[float]]]:
    """Shares and bounds of digit, confidence and ink."""
    digits = np.bincount(dataset.train.labels.numpy(), minlength=10) / len(dataset.train)
    ink = dataset.train.images.numpy().mean(axis=(1, 2, 3)) / 255
    tenths = [round(float(bound), 4) for bound in np.quantile(ink, np.arange(1, 10) / 10)]
    held_out = dataset.validation.images.numpy()[:, 0]
    sure = np.concatenate([classifier.predict(part).max(axis=1) for part in np.array_split(held_out, 100)])
    return {
        "digit": {"shares": [round(float(share), 6) for share in digits]},
        "confidence": _shares(sure, list(CONFIDENCES)),
        "ink": _shares(ink, tenths),
    }


def _shares(values: NDArray[np.floating], bounds: list[float]) -> dict[str, list[float]]:
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1)
    return {"bounds": bounds, "shares": [round(float(count) / len(values), 6) for count in counts]}


if __name__ == "__main__":
    found = describe(load_mnist_here(), DigitClassifier.load(PRETRAINED / "model.onnx"))
    (PRETRAINED / "reference.json").write_text(json.dumps(found, indent=1) + "\n")
