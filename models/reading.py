"""Several digits in one picture: where they stand, and which they are.

The line reader (models/lines) spells out every line; the ink is divided among the digits that it found, and the
network for single ones looks at each.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.acceptance import doubt
from models.errors import PictureRefused
from models.inference import softmax
from models.lines.reader import LineReader
from models.pictures.centring import centre
from models.pictures.decoding import decode
from models.pictures.division import divide
from models.pictures.normalised import Box
from models.pictures.page import Line, find_page
from models.pictures.strip import Strip, draw_strip

MOST_DIGITS = 100
LONGEST = 50_000  # pixels of all lines together, as the line reader sees them: about a second of the processor
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))  # four looks at each
LEAST = np.float32(1e-9)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A digit of a line, as the line reader has it."""

    box: Box  # in the working picture
    probabilities: Floats | None  # (10,); None where there is ink that it did not read
    cut_from: int | None  # which piece of the line's ink, where other digits have a part of it


@dataclass(frozen=True)
class Segmentation:
    """What stands in a picture, for the network to look at: `images` uint8 (n, 28, 28), line by line."""

    images: NDArray[np.uint8]
    lines: list[list[Found]]
    upright: Image.Image  # at most 1024 pixels long
    scale: float  # of the working picture against the upright one
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


def segment(picture: Image.Image, reader: LineReader) -> Segmentation:
    """Find the digits of a picture. Raises PictureRefused."""
    upright, reduction = decode(picture)
    page = find_page(upright)
    lines, images, room = [], [], LONGEST
    for line in page.lines:
        strip = draw_strip(line)
        room -= strip.ink.shape[1]
        if room < 0:
            raise PictureRefused(
                f"The picture holds too much to be read as at most {MOST_DIGITS} digits. Send a part of it."
            )
        found = _read_line(line, strip, reader)
        lines.append([digit for digit, _ in found])
        images += [image for _, image in found]
    if len(images) > MOST_DIGITS:
        raise PictureRefused(f"The picture holds more than {MOST_DIGITS} digits. Send a part of it.")
    return Segmentation(np.array(images, np.uint8).reshape(-1, 28, 28), lines, upright, page.scale, reduction)


def choose(segmentation: Segmentation, probabilities: Floats, least_confidence: float) -> list[list[ReadDigit]]:
    """What every digit is, line by line, given the network's `probabilities` (4 n, 10) of the pixels."""
    own = softmax(np.log(probabilities + LEAST).reshape(len(SHIFTS), -1, 10).mean(axis=0))
    scale, images, lines = segmentation.scale * segmentation.reduction, segmentation.images, []
    rows = iter(zip(images, own, strict=True))
    for line in segmentation.lines:
        judged = [(found.cut_from, _judge(found, *next(rows), scale, least_confidence)) for found in line]
        doubtful = {cut_from for cut_from, digit in judged if digit.reason} - {None}
        lines.append([_doubt(digit) if cut_from in doubtful else digit for cut_from, digit in judged])
    return [line for line in lines if line]


def _read_line(line: Line, strip: Strip, reader: LineReader) -> list[tuple[Found, NDArray[np.uint8]]]:
    signs = reader.read(strip.ink)
    found = []
    for share in divide(line, [strip.to_page(sign.x) for sign in signs]):
        probabilities = None if share.number is None else signs[share.number].probabilities
        found.append((Found(share.box, probabilities, share.cut_from), centre(share.paint())[0]))
    return found


def _judge(found: Found, image: NDArray[np.uint8], own: Floats, scale: float, least_confidence: float) -> ReadDigit:
    """One digit. What was cut out of other ink shows the network little; there the line reader's word counts alone."""
    both = own
    if found.probabilities is not None:
        both = _join(own, found.probabilities) if found.cut_from is None else found.probabilities
    digit, pixels = int(both.argmax()), image.astype(np.float32) / np.float32(255)
    reason = doubt(both, pixels, least_confidence)
    if reason is None and found.cut_from is None:
        reason = doubt(own, pixels, least_confidence)
    left, top, right, bottom = found.box
    box = (int(left / scale), int(top / scale), int(np.ceil(right / scale)), int(np.ceil(bottom / scale)))
    return ReadDigit(digit, float(both[digit]), box, reason)


def _doubt(digit: ReadDigit) -> ReadDigit:
    """The digit, not accepted: others were cut out of the same ink, and one of them is doubtful."""
    return replace(digit, reason=digit.reason or "ambiguous")


def _join(own: Floats, other: Floats) -> Floats:
    """The product of two opinions (10,), as probabilities."""
    product = (own + LEAST) * (other + LEAST)
    joined: Floats = product / product.sum()
    return joined
