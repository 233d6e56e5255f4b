"""Why the network reads a digit as it does: how much each part of the ink counts, and what each layer computes."""

from typing import NamedTuple

import numpy as np

from models.arrays import Floats
from models.inference.classifier import DigitClassifier

PATCH = 4  # pixels; most strokes of MNIST are 2 to 4 broad, so that a patch interrupts them
MAX_OCCLUSIONS = (28 + PATCH - 1) ** 2  # pictures that the network reads for one explanation
MAX_BATCH = 64  # of them at once: their activations take 10 MB


class Explanation(NamedTuple):
    """Why a picture is read as the digit that the network finds most probable."""

    saliency: Floats  # (28, 28)
    activations: dict[str, Floats]  # (channels, height, width) by layer, in the order of the network


def explain(classifier: DigitClassifier, pixels: Floats) -> Explanation:
    """Explain the prediction of pixels (28, 28) in 0..1, bright ink on dark."""
    activations = classifier.activations(pixels[None, None])
    return Explanation(occlude(classifier, pixels), {name: values[0] for name, values in activations.items()})


def occlude(classifier: DigitClassifier, pixels: Floats) -> Floats:
    """Returns how much more the network believes in its digit because of the ink at each pixel, (28, 28).

    The method is occlusion (Zeiler and Fergus 2014, section 4.2): a patch of background covers the picture, at each
    place once. The value of a pixel is the mean fall of the digit's log odds, log(p / (1 - p)), over all patches that
    cover it. It is negative where the digit is more probable without the ink.
    """
    starts = range(1 - PATCH, 28)
    places = [(slice(max(0, y), y + PATCH), slice(max(0, x), x + PATCH)) for y in starts for x in starts]
    with_ink = [place for place in places if pixels[place].any()]  # the others change nothing
    logits = classifier.logits(pixels[None, None])
    digit = int(logits.argmax())
    saliency = np.zeros((28, 28), np.float32)
    for start in range(0, len(with_ink), MAX_BATCH):
        patches = with_ink[start : start + MAX_BATCH]
        covered = np.repeat(pixels[None], len(patches), axis=0)
        for picture, patch in zip(covered, patches, strict=True):
            picture[patch] = 0
        falls = _log_odds(logits, digit) - _log_odds(classifier.logits(covered[:, None]), digit)
        for fall, patch in zip(falls, patches, strict=True):
            saliency[patch] += fall
    return saliency / np.float32(PATCH**2)


def _log_odds(logits: Floats, digit: int) -> Floats:
    """Returns log(p / (1 - p)) of the digit, (batch,), without rounding where p is nearly 1."""
    others = np.delete(logits, digit, axis=1)
    largest = others.max(axis=1, keepdims=True)
    odds: Floats = logits[:, digit] - largest[:, 0] - np.log(np.exp(others - largest).sum(axis=1))
    return odds
