"""Whether an answer should be trusted, and if not, why not: `blank`, `too_small`, `not_a_digit` or `ambiguous`."""

import numpy as np
from numpy.typing import NDArray

from models.pictures.normalisation import Normalised

Floats = NDArray[np.float32]

FEWEST_PIXELS = 10  # of 28x28 that carry ink: the least of MNIST's 70,000 digits has 34, a dot has fewer
INKED = 0.25
LEAST_PROBABILITY = 0.9  # of the best digit: where less is left for it, as for letters, the others have too much
BETWEEN_TWO = 0.6  # the second best's share of what the best leaves, from which the doubt lies between these two


def certainty(probabilities: Floats) -> Floats:
    """How sure the best digit is beside the second best: its share of the two, 0.5 to 1.

    Of probabilities of any shape whose last axis is the ten digits; that axis is gone. It tells right answers about
    MNIST from wrong ones better than the highest probability does.
    """
    second, best = _two_best(probabilities)
    share: Floats = best / (best + second)
    return share


def is_trusted(probabilities: Floats, least_certainty: float) -> NDArray[np.bool_]:
    """Whether the best digit of each is certain enough, and probable enough, for the same shapes as `certainty`."""
    trusted: NDArray[np.bool_] = (certainty(probabilities) >= least_certainty) & (
        probabilities.max(axis=-1) >= LEAST_PROBABILITY
    )
    return trusted


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
    if is_trusted(probabilities, least_certainty):
        return None
    second, best = _two_best(probabilities)
    return "ambiguous" if second >= BETWEEN_TWO * (1 - best) else "not_a_digit"


def _two_best(probabilities: Floats) -> tuple[Floats, Floats]:
    ordered = np.partition(probabilities, -2)
    return ordered[..., -2], ordered[..., -1]
