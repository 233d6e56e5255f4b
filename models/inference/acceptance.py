"""Whether to accept a prediction, and why not (models/pictures/rejection.py has the reasons)."""

import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.pictures.mnist_format import Normalised
from models.pictures.rejection import RejectionReason

MIN_INK_PIXELS = 10  # of 28x28: no digit of MNIST's 70,000 has fewer than 34, a dot has fewer than 10
MAX_INK_PIXELS = 470  # no digit of MNIST has more than 339; a bright ground leaves 500 and more
MIN_INK_LEVEL = 0.25  # of a pixel in 0..1 that counts as ink
MIN_PROBABILITY = 0.9  # of the best digit: letters leave more than a tenth to all other digits together
MIN_RUNNER_UP_SHARE = 0.6  # of what the best digit leaves: above it, the choice is between the two best digits


def margin(probabilities: Floats) -> Floats:
    """The best digit's share p1 / (p1 + p2) of the two best, 0.5 to 1.

    The last axis of `probabilities` holds the ten digits; the result has the other axes. On MNIST the margin separates
    right predictions from wrong ones better than p1 alone does.
    """
    second, best = _two_best(probabilities)
    share: Floats = best / (best + second)
    return share


def is_accepted(probabilities: Floats, min_margin: float) -> NDArray[np.bool_]:
    """Whether margin and probability of each best digit are high enough; the shapes are those of `margin`."""
    accepted: NDArray[np.bool_] = (margin(probabilities) >= min_margin) & (
        probabilities.max(axis=-1) >= MIN_PROBABILITY
    )
    return accepted


def rejection_reason(
    probabilities: Floats,
    pixels: Floats,
    min_margin: float,
    normalised: Normalised | None = None,
) -> RejectionReason | None:
    """Returns why the prediction is not accepted, None if it is.

    `probabilities` (10,) are calibrated, `pixels` (28, 28) in 0..1 are the network's input, `normalised` is the picture
    that they come from; None if the client sent the pixels.
    """
    if normalised is not None and normalised.rejection_reason is not None:
        return normalised.rejection_reason
    ink_pixels = np.count_nonzero(pixels > MIN_INK_LEVEL)
    if ink_pixels == 0 and pixels.max() == 0:
        return "blank"
    if normalised is None and ink_pixels > MAX_INK_PIXELS:
        return "dark_on_light"
    if ink_pixels < MIN_INK_PIXELS:
        return "too_small"
    if is_accepted(probabilities, min_margin):
        return None
    second, best = _two_best(probabilities)
    return "ambiguous" if second >= MIN_RUNNER_UP_SHARE * (1 - best) else "not_a_digit"


def _two_best(probabilities: Floats) -> tuple[Floats, Floats]:
    """The second best and the best of the last axis."""
    ordered = np.partition(probabilities, -2)
    return ordered[..., -2], ordered[..., -1]
