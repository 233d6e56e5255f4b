"""Several digits in one picture: which bits of ink belong together, and what they say.

Every line is cut wherever a digit might end (models/pictures/page.py), the network reads every run of neighbouring
bits, and the way through the line whose digits are the most probable is taken (as in LeCun et al. 1998, section VI).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.acceptance import doubt
from models.errors import PictureRefused
from models.inference import softmax
from models.pictures.centring import centre
from models.pictures.decoding import decode
from models.pictures.normalised import Box
from models.pictures.page import Bit, Line, Page, find_page

MOST_DIGITS = 100
MOST_CANDIDATES = 1500
MOST_BITS = 7  # that one digit is put together of
WIDEST = 1.5  # of a digit's height

GAP = 12.0  # how much less likely bits belong together that stand one digit's height apart
CUT = 4.0  # how much less likely a cut is that crosses one digit's height of ink
WIDE, WIDTH = 1.05, 20.0  # from this share of the height on a digit is less likely
LOW, LOWNESS = 0.6, 10.0  # and below this share
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))  # four looks: of 400 validation numbers 97.0 % are read, with one 96.0 %
SMALL, SKIPPED = 0.4, 3.0  # what is smaller both ways may be skipped, as a dot or a comma

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """Bits `first` to `last` of a line, as one digit."""

    line: int
    first: int
    last: int
    box: Box  # in the working picture
    prior: float  # its logarithm, up to a constant


@dataclass(frozen=True)
class Segmentation:
    """All that may be a digit in a picture, for the network to look at: `images` uint8 (n, 28, 28)."""

    images: NDArray[np.uint8]
    candidates: list[Candidate]
    page: Page
    upright: Image.Image  # at most 1024 pixels long
    reduction: float  # of the upright picture against the one that was sent

    def pixels(self) -> Floats:
        """What the network is to look at, float32 (4 n, 1, 28, 28) in 0..1: every image, and moved by a pixel."""
        moved = np.concatenate([np.roll(self.images, shift, axis=(1, 2)) for shift in SHIFTS])
        return moved[:, None].astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class ReadDigit:
    """A digit, and its box in pixels of the upright original."""

    digit: int
    confidence: float
    box: Box
    reason: str | None  # why it should not be trusted


def segment(picture: Image.Image) -> Segmentation:
    """Cut a picture in all ways that make sense. Raises PictureRefused."""
    upright, reduction = decode(picture)
    page = find_page(upright)
    candidates, images = [], []
    for number, line in enumerate(page.lines):
        for first in range(len(line.bits)):
            for last in range(first, min(first + MOST_BITS, len(line.bits))):
                found = _join(line, first, last)
                if found is None:
                    continue
                box, prior = found
                candidates.append(Candidate(number, first, last, box, prior))
                images.append(centre(_paint(line.bits[first : last + 1], box))[0])
                if len(candidates) > MOST_CANDIDATES:
                    raise PictureRefused(
                        f"The picture holds too much to be read as at most {MOST_DIGITS} digits. Send a part of it."
                    )
    return Segmentation(np.array(images, np.uint8).reshape(-1, 28, 28), candidates, page, upright, reduction)


def choose(segmentation: Segmentation, probabilities: Floats, least_confidence: float) -> list[list[ReadDigit]]:
    """The likeliest digits, line by line, given the network's `probabilities` (4 n, 10) of its pixels.

    Raises PictureRefused.
    """
    probabilities = _average(probabilities)
    lines = []
    for number, line in enumerate(segmentation.page.lines):
        own = [index for index, candidate in enumerate(segmentation.candidates) if candidate.line == number]
        path = _best_path(line, [(segmentation.candidates[index], index) for index in own], probabilities)
        digits = [_describe(segmentation, index, probabilities[index], least_confidence) for index in path]
        if digits:
            lines.append(digits)
    if sum(map(len, lines)) > MOST_DIGITS:
        raise PictureRefused(f"The picture holds more than {MOST_DIGITS} digits. Send a part of it.")
    return lines


def _average(probabilities: Floats) -> Floats:
    """The geometric mean (n, 10) of the four looks at each image."""
    logarithms = np.log(probabilities + np.float32(1e-9)).reshape(len(SHIFTS), -1, 10).mean(axis=0)
    return softmax(logarithms)


def _join(line: Line, first: int, last: int) -> tuple[Box, float] | None:
    """The box and the prior of these bits as one digit; None where they are none."""
    bits = line.bits[first : last + 1]
    boxes = np.array([bit.box for bit in bits])
    left, top = (int(edge) for edge in boxes[:, :2].min(axis=0))
    right, bottom = (int(edge) for edge in boxes[:, 2:].max(axis=0))
    width, height = (right - left) / line.height, (bottom - top) / line.height
    if last > first and (width > WIDEST or height > 2):
        return None
    gap = max((max(0, other.box[0] - one.box[2]) for one, other in pairwise(bits)), default=0) / line.height
    cuts = bits[0].cut + (line.bits[last + 1].cut if last + 1 < len(line.bits) else 0.0)
    prior = -GAP * gap - CUT * cuts / 2 - WIDTH * max(0.0, width - WIDE) - LOWNESS * max(0.0, LOW - max(height, width))
    return (left, top, right, bottom), prior


def _paint(bits: list[Bit], box: Box) -> Floats:
    """The bits on one field as large as their box."""
    field = np.zeros((box[3] - box[1], box[2] - box[0]), np.float32)
    for bit in bits:
        left, top, right, bottom = bit.box
        place = (slice(top - box[1], bottom - box[1]), slice(left - box[0], right - box[0]))
        field[place] = np.maximum(field[place], bit.ink)
    return field


def _best_path(line: Line, own: list[tuple[Candidate, int]], probabilities: Floats) -> list[int]:
    """The candidates, by index, that cover the line's bits once and are the most probable together."""
    best = [0.0] + [-np.inf] * len(line.bits)
    came: list[tuple[int, int | None]] = [(0, None)] * (len(line.bits) + 1)
    for candidate, index in own:  # in the order of their first bits
        score = best[candidate.first] + candidate.prior + float(np.log(probabilities[index].max() + 1e-9))
        if score > best[candidate.last + 1]:
            best[candidate.last + 1], came[candidate.last + 1] = score, (candidate.first, index)
        skipped = best[candidate.first] - SKIPPED
        is_speck = candidate.first == candidate.last and _is_small(candidate.box, line.height)
        if is_speck and skipped > best[candidate.last + 1]:
            best[candidate.last + 1], came[candidate.last + 1] = skipped, (candidate.first, None)
    path, end = [], len(line.bits)
    while end > 0:
        start, chosen = came[end]
        if chosen is not None:
            path.append(chosen)
        end = start
    return path[::-1]


def _is_small(box: Box, height: float) -> bool:
    return max(box[2] - box[0], box[3] - box[1]) < SMALL * height


def _describe(segmentation: Segmentation, index: int, probabilities: Floats, least_confidence: float) -> ReadDigit:
    digit = int(probabilities.argmax())
    pixels = segmentation.images[index].astype(np.float32) / 255
    scale = segmentation.page.scale * segmentation.reduction
    left, top, right, bottom = segmentation.candidates[index].box
    box = (int(left / scale), int(top / scale), int(np.ceil(right / scale)), int(np.ceil(bottom / scale)))
    return ReadDigit(digit, float(probabilities[digit]), box, doubt(probabilities, pixels, least_confidence))
