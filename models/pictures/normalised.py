"""What the front door hands to the network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # left, top, right, bottom


def gap_between(one: Box, other: Box) -> float:
    """How far two boxes are apart; 0 where they meet."""
    across = max(one[0] - other[2], other[0] - one[2], 0)
    down = max(one[1] - other[3], other[1] - one[3], 0)
    return float(np.hypot(across, down))


@dataclass(frozen=True)
class Normalised:
    """The 28x28 picture, uint8, and how it was made. `box` is that of the ink, in pixels of the upright original; None
    where there is no ink.
    """

    image: NDArray[np.uint8]  # (28, 28)
    inverted: bool
    box: Box | None
    scale: float
    shift: tuple[int, int]
    ink: float  # the share of the 28x28 field's pixels that carry ink, 0..1
    doubt: str | None = None  # why this can be no digit: `blank`, `too_small` or `not_a_digit`

    @property
    def is_blank(self) -> bool:
        return self.box is None
