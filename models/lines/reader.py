"""Reads a line of digits: which, and where each stands."""

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.inference import session_options, softmax

HEIGHT = 32  # pixels of a strip; its digits are 20 tall and stand in the middle
STRIDE = 2  # pixels of the strip for one column of scores
BLANK = 10  # the class of a column that names no digit
SHIPPED = Path(__file__).parents[1] / "pretrained" / "reader.onnx"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sign:
    """A digit of a line: the probabilities (10,) of what it is, and its place in pixels of the strip."""

    probabilities: Floats
    x: float


class LineReader:
    """The exported network, on one thread."""

    def __init__(self, model: bytes) -> None:
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])

    def read(self, strip: Floats) -> list[Sign]:
        """The signs from left to right of a strip float32 (32, width) in 0..1, bright ink on dark; width is even."""
        probabilities = self.probabilities(strip)
        signs, column = [], 0
        for name, group in groupby(probabilities.argmax(axis=1).tolist()):
            columns = np.arange(column, column + len(list(group)))
            column += len(columns)
            if name != BLANK:
                signs.append(_describe(probabilities, columns, name))
        return signs

    def probabilities(self, strip: Floats) -> Floats:
        """Of every class, BLANK the last, in every column of scores: (width / 2, 11)."""
        scores: Floats = self._session.run(["scores"], {"strip": strip[None, None]})[0]
        return softmax(scores[0, :, 0].T)


def _describe(probabilities: Floats, columns: NDArray[np.int64], name: int) -> Sign:
    """A sign that these neighbouring columns name."""
    weights = probabilities[columns, name]
    x = float((weights * columns).sum() / weights.sum() + 0.5) * STRIDE
    clearest = probabilities[columns[weights.argmax()], :BLANK]
    return Sign(clearest / clearest.sum(), x)


@cache
def shipped_reader() -> LineReader:
    """The one that ships; loaded when it is first asked for."""
    return LineReader(SHIPPED.read_bytes())
