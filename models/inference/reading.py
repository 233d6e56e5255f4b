"""Decides which digits stand on a segmented page, from the classifier's and the line reader's probabilities."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from models.arrays import Floats
from models.inference.acceptance import rejection_reason
from models.inference.classifier import softmax
from models.inference.segmentation import SHIFTS, DigitCandidate, Segmentation
from models.pictures.boxes import Box, middle_of
from models.pictures.rejection import RejectionReason

EPSILON = np.float32(1e-9)  # so that a probability of zero has a logarithm
TEMPERATURE = 2.65  # of a confidence to which both networks contribute: fitted by benchmarks/pages.py, half `develop`


@dataclass(frozen=True)
class ReadDigit:
    """A digit, and its box in pixels of the upright original."""

    digit: int
    confidence: float
    box: Box
    reason: RejectionReason | None  # None if it is accepted
    follows_dash: bool = False  # a dash stands between it and the digit before it


def choose_digits(segmentation: Segmentation, probabilities: Floats, min_margin: float) -> list[list[ReadDigit]]:
    """The digits, line by line, given the classifier's `probabilities` (4 n, 10) of `segmentation.pixels()`.

    A digit with ink of its own is accepted if the classifier is sure of it, both with and without the line reader's
    probabilities. Digits that were split from one component are accepted if the line reader is sure of all of them,
    because the classifier is less reliable on such parts.
    """
    rows = iter(softmax(np.log(probabilities + EPSILON).reshape(len(SHIFTS), -1, 10).mean(axis=0)))
    lines = []
    for line, dashes in zip(segmentation.lines, segmentation.dashes, strict=True):
        judged = []
        for found in line:
            whole = _judge(found, next(rows), segmentation, min_margin)
            parts = [(part.split_from, _judge(part, next(rows), segmentation, min_margin)) for part in found.parts]
            judged += [(found.split_from, whole)] if whole.reason is None or not parts else parts
        lines.append(_separate(_reject_together(judged), [x / segmentation.scale for x in dashes]))
    return [line for line in lines if line]


def _reject_together(judged: list[tuple[int | None, ReadDigit]]) -> list[ReadDigit]:
    """The digits; if one is rejected, so are the others that were split from the same component."""
    rejected = {split_from for split_from, digit in judged if digit.reason} - {None}
    return [
        replace(digit, reason=digit.reason or "ambiguous") if split_from in rejected else digit
        for split_from, digit in judged
    ]


def _separate(digits: list[ReadDigit], dashes: list[float]) -> list[ReadDigit]:
    """The digits; those that a dash, at a column of the original, separates from the one before say so."""
    separated = digits[:1]
    for before, digit in pairwise(digits):
        start, end = middle_of(before.box)[0], middle_of(digit.box)[0]
        separated.append(replace(digit, follows_dash=any(start < x < end for x in dashes)))
    return separated


def _judge(found: DigitCandidate, own: Floats, segmentation: Segmentation, min_margin: float) -> ReadDigit:
    """The digit of a candidate, given the classifier's `own` probabilities (10,)."""
    pixels = found.image.astype(np.float32) / np.float32(255)
    probabilities = own
    if found.split_from is not None and found.probabilities is not None:
        probabilities, min_margin = found.probabilities, segmentation.min_margin
    elif found.probabilities is not None:
        probabilities = _multiply(own, found.probabilities)
    reason = rejection_reason(probabilities, pixels, min_margin)
    if reason is None and found.split_from is None:  # the classifier must be sure without the line reader too
        reason = rejection_reason(own, pixels, min_margin)
    digit = int(probabilities.argmax())
    confidence = float(probabilities[digit])
    if found.probabilities is not None:
        confidence = _temper(confidence)
    return ReadDigit(digit, confidence, _to_original(found.box, segmentation), reason)


def _temper(confidence: float) -> float:
    """The calibrated confidence (Guo et al. 2017): both networks see the same ink, so their product is too sure."""
    odds = (confidence + float(EPSILON)) / (1 - confidence + float(EPSILON))
    tempered: float = odds ** (1 / TEMPERATURE)
    return tempered / (1 + tempered)


def _multiply(own: Floats, other: Floats) -> Floats:
    """The normalised product of two distributions (10,)."""
    product = (own + EPSILON) * (other + EPSILON)
    normalised: Floats = product / product.sum()
    return normalised


def _to_original(box: Box, segmentation: Segmentation) -> Box:
    """A box of the working picture in pixels of the upright original, and inside it."""
    left, top, right, bottom = (edge / segmentation.scale for edge in box)
    width, height = segmentation.size
    x, y = min(max(0, int(left)), width - 1), min(max(0, int(top)), height - 1)
    return x, y, min(max(x + 1, int(np.ceil(right))), width), min(max(y + 1, int(np.ceil(bottom))), height)
