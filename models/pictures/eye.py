"""The eye: a small network that finds the ink of digits in a picture, on any ground and in any light."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from PIL import Image
from scipy import ndimage

from models.arrays import Floats
from models.onnx_session import session_options
from models.pictures.components import MIN_FAINT_INK, MIN_INK, NEIGHBOURS
from models.pictures.view import draw_view

MIN_DOUBT = 0.12  # of ink: what is more likely to be ink than this, and is a mark otherwise, may be ink
SHIPPED = Path(__file__).parents[1] / "pretrained" / "eye.onnx"


class Sight(NamedTuple):
    """What the eye sees in a picture."""

    ink: Floats  # (height, width): the probability that a pixel is ink of a digit
    marks: Floats  # (height, width): the probability that it belongs to another mark, such as a frame or a line
    colours: Floats  # (1 or 3, height, width): -1..1 around the picture's median


class Eye:
    """An ONNX session for the network (models/training/eye_network.py), on one thread."""

    def __init__(self, model: bytes) -> None:
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Eye":
        return cls(path.read_bytes())

    def look(self, picture: Image.Image, side: int, *, is_square: bool = True, min_doubt: float = MIN_DOUBT) -> Sight:
        """Find the ink of a picture in mode L or RGB, scaled so that its longer side has `side` pixels."""
        view = draw_view(picture, side, is_square=is_square)
        logits: Floats = self._session.run(["ink"], {"view": view.pixels[None]})[0]
        _, height, width = view.colours.shape
        ink, marks = 1 / (1 + np.exp(-np.clip(logits[0, :, :height, :width], -30, 30)))
        return Sight(resolve_doubt(ink, marks, min_doubt), marks, view.colours)


def resolve_doubt(ink: Floats, marks: Floats, min_doubt: float) -> Floats:
    """The ink, given the probabilities of ink and of other marks (height, width).

    A mark that may be ink, with at least `min_doubt`, counts as ink where it is connected to a pixel that is more
    likely ink than not: so a stroke is not torn, and a frame alone is none.
    """
    together = np.where(ink > min_doubt, np.minimum(ink + marks, 1), ink)
    labels, count = ndimage.label(together > MIN_FAINT_INK, NEIGHBOURS)
    has_ink = np.zeros(count + 1, bool)
    has_ink[labels[ink > MIN_INK]] = True
    has_ink[0] = False  # what has no label
    resolved: Floats = np.where(has_ink[labels], together, ink)
    return resolved
