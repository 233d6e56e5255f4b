"""What was seen in a picture, for people who ask why it was read so."""

from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from models.arrays import Floats
from models.pictures.boxes import Box


class Hypothesis(NamedTuple):
    """Ink that may be the digit."""

    box: Box  # in pixels of the upright original
    score: float  # its share of all ink that was found, 0..1
    is_chosen: bool


@dataclass(frozen=True)
class Evidence:
    overview: Image.Image  # in mode L or RGB: the picture, at most 480 pixels long
    scale: float  # pixels of the overview for one of the original
    ink: Floats | None  # (rows, columns), 0..1: what was taken as ink in the digit's box; None if there is none
    hypotheses: list[Hypothesis]
