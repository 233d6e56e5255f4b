"""Reads a line of digits: which, and where each stands."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.inference.classifier import LEAST_CERTAINTY, session_options, softmax
from models.pictures.line_format import BLANK, STRIDE

SHIPPED = Path(__file__).parents[1] / "pretrained" / "reader.onnx"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LineDigit:
    """A digit of a line: the probabilities (10,) of what it is, and its place in pixels of the strip."""

    probabilities: Floats
    x: float


class LineReader:
    """The exported network, on one thread, and `least_certainty`, from which on joined digits should be trusted."""

    def __init__(self, model: bytes) -> None:
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
        self.least_certainty = float(self._session.get_modelmeta().custom_metadata_map[LEAST_CERTAINTY])

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "LineReader":
        return cls(path.read_bytes())

    def read(self, strip: Floats) -> list[LineDigit]:
        """The digits from left to right of a strip float32 (32, width) in 0..1, bright ink on dark; width is even."""
        probabilities = self.probabilities(strip)
        digits, column = [], 0
        for name, group in groupby(probabilities.argmax(axis=1).tolist()):
            columns = np.arange(column, column + len(list(group)))
            column += len(columns)
            if name != BLANK:
                digits.append(_describe(probabilities, columns, name))
        return digits

    def probabilities(self, strip: Floats) -> Floats:
        """Of every class, BLANK the last, in every column of scores: (width / 2, 11)."""
        scores: Floats = self._session.run(["scores"], {"strip": strip[None, None]})[0]
        return softmax(scores[0, :, 0].T)


def _describe(probabilities: Floats, columns: NDArray[np.int64], name: int) -> LineDigit:
    """A digit that these neighbouring columns name."""
    weights = probabilities[columns, name]
    x = float((weights * columns).sum() / weights.sum() + 0.5) * STRIDE
    clearest = probabilities[columns[weights.argmax()], :BLANK]
    return LineDigit(clearest / clearest.sum(), x)
