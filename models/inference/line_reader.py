"""The exported line reader: which digits stand in the image of a line, and where."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.arrays import Floats
from models.inference.classifier import read_min_margin, softmax
from models.onnx_session import session_options
from models.pictures.line_format import BLANK, STRIDE

MAX_SHIFT = 1  # pixels up and down
SHIPPED = Path(__file__).parents[1] / "pretrained" / "reader.onnx"


@dataclass(frozen=True)
class LineDigit:
    """A digit of a line: its probabilities (10,), and the pixel column of the line image at its middle."""

    probabilities: Floats
    x: float


class LineReader:
    """An ONNX session for the network, and `min_margin`, from which its digits are accepted where they touch."""

    def __init__(self, model: bytes) -> None:
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
        self.min_margin = read_min_margin(self._session)

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "LineReader":
        return cls(path.read_bytes())

    def read(self, line_image: Floats) -> list[LineDigit]:
        """The digits, from left to right, of a line image (32, width) in 0..1, bright ink on dark; width is even.

        Neighbouring columns that name the same digit are one digit (greedy CTC decoding, Graves et al. 2006).
        """
        probabilities = self.probabilities(line_image)
        digits, column = [], 0
        for name, group in groupby(probabilities.argmax(axis=1).tolist()):
            columns = np.arange(column, column + len(list(group)))
            column += len(columns)
            if name != BLANK:
                digits.append(_describe(probabilities, columns, name))
        return digits

    def probabilities(self, line_image: Floats) -> Floats:
        """Probabilities (width / 2, 11) of the ten digits and, last, of BLANK, for every two pixel columns.

        The mean over the line as it is and moved up and down by a pixel: of lines whose digits overlap, it reads 91.5 %
        instead of 90.7.
        """
        padded = np.pad(line_image, ((MAX_SHIFT, MAX_SHIFT), (0, 0)))
        rows, tops = len(line_image), range(2 * MAX_SHIFT + 1)
        moved = [self._session.run(["scores"], {"strip": padded[None, None, top : top + rows]})[0] for top in tops]
        scores: Floats = np.mean(moved, axis=0)
        return softmax(scores[0, :, 0].T)


def _describe(probabilities: Floats, columns: NDArray[np.int64], name: int) -> LineDigit:
    """The digit that these neighbouring columns name."""
    weights = probabilities[columns, name]
    x = float((weights * columns).sum() / weights.sum() + 0.5) * STRIDE
    clearest = probabilities[columns[weights.argmax()], :BLANK]
    return LineDigit(clearest / clearest.sum(), x)
