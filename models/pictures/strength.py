"""How strong the ink is at each pixel: as sharp as the picture shows it, where the eye has found it."""

import numpy as np
from scipy import ndimage

from models.arrays import Floats
from models.pictures.components import MIN_INK, widen

WINDOW = 13  # pixels of the view, around a pixel, in which the ground and the ink have one colour
MIN_VISIBLE = 0.3  # of the probability: ink whose colour hardly differs from the ground's is still ink
FEW = 0.01  # of a window: with so little of it to average, the mean of the whole view counts too
NO_INK, FULL_INK = 0.15, 0.8  # of the contrast between ground and ink: no ink, and ink without ground


def measure_strength(ink: Floats, colours: Floats) -> Floats:
    """The share of ink (height, width) in 0..1 at each pixel of a view.

    `ink` (height, width) is the probability of ink, `colours` are those of the view (1 or 3, height, width). What lies
    between the colours of the ground and of the ink nearby is partly ink; away from what the eye has found, none is.
    """
    near = widen(ink)
    ground = _mean_nearby(colours, (near <= MIN_INK / 2).astype(np.float32))
    difference = colours - ground
    certain = ink**2 * _dot(difference, difference)  # a stroke's edge is ink and ground
    contrast = _mean_nearby(colours, certain) - ground
    share = _dot(difference, contrast) / np.maximum(_dot(contrast, contrast), 1e-4)
    strength = np.clip((share - NO_INK) / (FULL_INK - NO_INK), 0, 1) * np.clip(near / MIN_INK, 0, 1)
    visible: Floats = np.maximum(strength, MIN_VISIBLE * ink)
    return visible


def _dot(one: Floats, other: Floats) -> Floats:
    """The dot product (height, width) of two colours at each pixel; a single level stands for three equal ones."""
    product: Floats = (one * other).sum(axis=0) * np.float32(3 / len(one))
    return product


def _mean_nearby(colours: Floats, weights: Floats) -> Floats:
    """The mean colour (1 or 3, height, width) around each pixel, by weights; that of the view where there are none."""
    total = (colours * weights).sum(axis=(1, 2)) / max(float(weights.sum()), 1e-6)
    weighted = np.concatenate([colours * weights, weights[None]])
    nearby = ndimage.uniform_filter(weighted, (1, WINDOW, WINDOW), mode="constant")
    mean: Floats = (nearby[:-1] + FEW * total[:, None, None]) / (nearby[-1] + FEW)
    return mean
