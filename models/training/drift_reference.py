"""The reference that drift is measured against: distributions of the pictures that the shipped network was trained on.

`make reference` writes models/pretrained/reference.json: the shares of the ten digits in the training pictures, the
deciles of their ink (mean brightness), and the distribution of the network's confidence on the validation pictures.
On its training pictures its confidence is higher than on new ones.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.inference.classifier import DigitClassifier
from models.training.data import Dataset, load_local_mnist

PRETRAINED = Path(__file__).parents[1] / "pretrained"
CONFIDENCE_BOUNDS = (0.5, 0.7, 0.9, 0.99, 0.999, 0.9999, 0.99999)


def measure_reference(dataset: Dataset, classifier: DigitClassifier) -> dict[str, dict[str, list[float]]]:
    """Returns the shares of digit, confidence and ink, and the bounds between them."""
    digits = np.bincount(dataset.train.labels.numpy(), minlength=10) / len(dataset.train)
    ink = dataset.train.images.numpy().mean(axis=(1, 2, 3)) / 255
    deciles = [round(float(bound), 4) for bound in np.quantile(ink, np.arange(1, 10) / 10)]
    images = dataset.validation.images.numpy()[:, 0]
    confidence = np.concatenate([classifier.predict(part).max(axis=1) for part in np.array_split(images, 100)])
    return {
        "digit": {"shares": [round(float(share), 6) for share in digits]},
        "confidence": _shares(confidence, list(CONFIDENCE_BOUNDS)),
        "ink": _shares(ink, deciles),
    }


def _shares(values: NDArray[np.floating], bounds: list[float]) -> dict[str, list[float]]:
    counts = np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1)
    return {"bounds": bounds, "shares": [round(float(count) / len(values), 6) for count in counts]}


if __name__ == "__main__":
    reference = measure_reference(load_local_mnist(), DigitClassifier.load(PRETRAINED / "model.onnx"))
    (PRETRAINED / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")
