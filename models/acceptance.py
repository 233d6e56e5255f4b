"""Whether an answer should be trusted, and if not, why not: `blank`, `too_small`, `not_a_digit` or `ambiguous`."""

import numpy as np
from numpy.typing import NDArray

from models.preprocessing import Normalised

Floats = NDArray[np.float32]

FEWEST_PIXELS = 10  # of 28x28 that carry ink: the least of MNIST's 70,000 digits has 34, a dot has fewer
INKED = 0.25
LEAST_PROBABILITY = 0.9  # below it too much is left for the other eight: letters are like that, digits hardly ever
BETWEEN_TWO = 0.75  # the share of the two best digits from which the doubt lies between just these two


def certainty(probabilities: Floats) -> Floats:
    """How sure the best digit is beside the second best: its share of the two, 0.5 to 1 (...), of (..., 10).

    Of MNIST's digits it tells right answers from wrong ones better than the highest probability does.
    """
    second, best = np.moveaxis(np.partition(probabilities, -2)[..., -2:], -1, 0)
    share: Floats = best / (best + second)
    return share


def doubt(
    probabilities: Floats,
    pixels: Floats,
    least_certainty: float,
    normalised: Normalised | None = None,
) -> str | None:
    """Why the answer should not be trusted; None where it should.

    `probabilities` (10,) are calibrated, `pixels` (28, 28) are what the network saw, 0..1; `normalised` tells how it
    came about, unless it was sent as it is.
    """
    inked = np.count_nonzero(pixels > INKED)
    if inked == 0 and pixels.max() == 0:
        return "blank"
    if normalised is not None and normalised.doubt is not None:
        return normalised.doubt
    if inked < FEWEST_PIXELS:
        return "too_small"
    second, best = np.partition(probabilities, -2)[-2:]
    if best >= LEAST_PROBABILITY and best >= least_certainty * (best + second):
        return None
    return "ambiguous" if best + second >= BETWEEN_TWO else "not_a_digit"
