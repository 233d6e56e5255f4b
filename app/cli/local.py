"""Predictions without a service, by the network that ships with this program."""

from typing import Any

import numpy as np

from app.registry.service import SHIPPED
from models.arrays import Floats
from models.inference.acceptance import rejection_reason
from models.inference.classifier import DigitClassifier
from models.inference.line_reader import LineReader
from models.inference.reading import ReadDigit, choose_digits
from models.inference.segmentation import segment
from models.pictures.encoded import examine
from models.pictures.eye import Eye
from models.pictures.mnist_format import as_mnist
from models.pictures.normalisation import normalise
from models.pictures.opening import load_isolated_formats
from numeral_client import Prediction, Reading

VERSION = {"version": "shipped"}


class LocalNetwork:
    """Answers as the service does. Raises ModelError for what is no picture."""

    def __init__(self) -> None:
        load_isolated_formats()
        self._classifier, self._eye = DigitClassifier.load(SHIPPED / "model.onnx"), Eye.load()

    def predict(self, content: bytes, *, model: str) -> Prediction:
        picture = examine(content).open()
        normalised = as_mnist(picture) or normalise(picture, self._eye)
        pixels: Floats = normalised.image.astype(np.float32) / np.float32(255)
        probabilities = self._classifier.probabilities(pixels[None, None])[0]
        reason = rejection_reason(probabilities, pixels, self._classifier.min_margin, normalised)
        digit = int(probabilities.argmax())
        return Prediction.model_validate(
            _judged(digit, float(probabilities[digit]), reason)
            | {"probabilities": probabilities.tolist(), "model": VERSION}
        )

    def read(self, content: bytes, *, model: str) -> Reading:
        found = segment(examine(content).open(), LineReader.load(), self._eye)
        probabilities = self._classifier.probabilities(found.pixels())
        lines = [_line(line) for line in choose_digits(found, probabilities, self._classifier.min_margin)]
        text = "\n".join(line["text"] for line in lines)
        digits = [digit for line in lines for digit in line["digits"]]
        return Reading.model_validate({"text": text, "lines": lines, "digits": digits, "model": VERSION})


def _line(digits: list[ReadDigit]) -> dict[str, Any]:
    """A line; a dash between digits separates two numbers."""
    text = "".join((" " if digit.follows_dash else "") + str(digit.digit) for digit in digits)
    found = [_judged(digit.digit, digit.confidence, digit.reason) | {"box": digit.box} for digit in digits]
    return {"text": text, "groups": text.split(), "digits": found}


def _judged(digit: int, confidence: float, reason: str | None) -> dict[str, Any]:
    return {"digit": digit, "confidence": confidence, "accepted": reason is None, "reason": reason}
