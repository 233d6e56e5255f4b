"""How well a network reads what people send: pictures of many kinds, as the eye brings them to 28x28.

The pictures ship with the program (`make probe` draws them: benchmarks/picture_probe.py), so every finished network is
measured on the same ones, and a version that is promoted is judged by what it will serve. None is of MNIST's test set.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.inference.acceptance import is_accepted
from models.inference.classifier import DigitClassifier

PROBE_FILE = Path(__file__).parents[1] / "pretrained" / "pictures.npz"


@dataclass(frozen=True, eq=False)
class Probe:
    """Pictures, uint8 (count, 28, 28), bright ink on dark, and their digits, uint8 (count,); `sha256` is of both."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    sha256: str


@dataclass(frozen=True)
class PictureFigures:
    """`accuracy` is the share of all pictures whose digit is read right; of the `accepted`, `accepted_right` are."""

    accuracy: float
    correct: int
    total: int
    accepted: int
    accepted_right: int
    probe_sha256: str


@cache
def load_probe() -> Probe:
    with np.load(PROBE_FILE, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    return Probe(images, labels, digest(images, labels))


def digest(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def measure_on_pictures(classifier: DigitClassifier) -> PictureFigures:
    """Returns the network's figures on the probe. Takes about a tenth of a second."""
    probe = load_probe()
    probabilities = classifier.predict(probe.images)
    is_right = probabilities.argmax(axis=1) == probe.labels
    accepted = is_accepted(probabilities, classifier.min_margin)
    correct, total = int(is_right.sum()), len(probe.labels)
    right = int((accepted & is_right).sum())
    return PictureFigures(correct / total, correct, total, int(accepted.sum()), right, probe.sha256)


def figures_of_card(card: dict[str, Any]) -> PictureFigures | None:
    """Returns what a card says; None if it says nothing, or was written with other pictures than those that ship."""
    found = card.get("pictures")
    if not found or found["probe_sha256"] != load_probe().sha256:
        return None
    return PictureFigures(**found)


def as_card(figures: PictureFigures) -> dict[str, Any]:
    return asdict(figures)
