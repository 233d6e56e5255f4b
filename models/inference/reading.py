"""Several digits in one picture: where they stand, and which they are.

The line reader (models/lines) spells out every line; the ink is divided among the digits that it found, and the
network for single ones looks at each.
"""

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import PictureRefused
from models.inference.acceptance import doubt
from models.inference.classifier import softmax
from models.inference.line_reader import LineDigit, LineReader
from models.pictures.centring import centre
from models.pictures.decoding import decode
from models.pictures.ink_assignment import Share, divide
from models.pictures.layout import Line, find_page
from models.pictures.line_image import draw_strip
from models.pictures.normalised import Box

MOST_DIGITS = 100
LONGEST = 50_000  # pixels of all lines together, as the line reader sees them: about a second of the processor
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))  # four looks at each
LEAST = np.float32(1e-9)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A digit of a line, as the line reader has it."""

    image: NDArray[np.uint8]  # (28, 28)
    box: Box  # in the working picture
    probabilities: Floats | None  # (10,); None where there is ink that it did not read
    cut_from: int | None  # which piece of the line's ink, where other digits have a part of it
    parts: tuple["Found", ...] = ()  # what the line reader saw in it, where it is less broad than a digit is tall


@dataclass(frozen=True)
class Segmentation:
    """What stands in a picture, line by line."""

    lines: list[list[Found]]
    least_certainty: float  # of the line reader, for digits that were cut out of joined ink
    upright: Image.Image  # at most 1024 pixels long
    reduction: float  # of the upright picture against the one that was sent
    scale: float  # of the working picture against the one that was sent
    size: tuple[int, int]  # of the one that was sent, upright

    def pixels(self) -> Floats:
        """What the network is to look at, float32 (4 n, 1, 28, 28) in 0..1: every image, and moved by a pixel."""
        every = [each.image for line in self.lines for found in line for each in (found, *found.parts)]
        images = np.array(every, np.uint8).reshape(-1, 28, 28)
        moved = np.concatenate([np.roll(images, shift, axis=(1, 2)) for shift in SHIFTS])
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
    sent = picture.size  # a JPEG's changes when it is decoded
    upright, reduction = decode(picture)
    page = find_page(upright)
    read, room = [], LONGEST
    for line in page.lines:
        strip = draw_strip(line)
        room -= strip.ink.shape[1]
        _require(room >= 0)
        read.append([(digit, strip.to_page(digit.x)) for digit in reader.read(strip.ink)])
    _require(sum(map(len, read)) <= MOST_DIGITS)  # before the ink is divided: that takes longer than reading it
    lines = [_divide(line, digits) for line, digits in zip(page.lines, read, strict=True)]
    _require(sum(len(found.parts) or 1 for line in lines for found in line) <= MOST_DIGITS)
    is_turned = upright.width != upright.height and (sent[0] < sent[1]) != (upright.width < upright.height)
    size = sent[::-1] if is_turned else sent
    return Segmentation(lines, reader.least_certainty, upright, reduction, page.scale * reduction, size)


def choose(segmentation: Segmentation, probabilities: Floats, least_certainty: float) -> list[list[ReadDigit]]:
    """What every digit is, line by line, given the network's `probabilities` (4 n, 10) of the pixels.

    A digit that stands alone is accepted if the network is sure of it, with and without the line reader's opinion; the
    digits of joined ink are, if the line reader is sure of all of them: the network sees little in cut ones.
    """
    rows = iter(softmax(np.log(probabilities + LEAST).reshape(len(SHIFTS), -1, 10).mean(axis=0)))
    lines = []
    for line in segmentation.lines:
        judged = []
        for found in line:
            whole = _judge(found, next(rows), segmentation, least_certainty)
            parts = [(part.cut_from, _judge(part, next(rows), segmentation, least_certainty)) for part in found.parts]
            judged += [(found.cut_from, whole)] if whole.reason is None or not parts else parts
        lines.append(_doubt_together(judged))
    return [line for line in lines if line]


def _doubt_together(judged: list[tuple[int | None, ReadDigit]]) -> list[ReadDigit]:
    """The digits; where one is doubtful, the others that were cut from the same ink are too."""
    doubtful = {cut_from for cut_from, digit in judged if digit.reason} - {None}
    return [
        replace(digit, reason=digit.reason or "ambiguous") if cut_from in doubtful else digit
        for cut_from, digit in judged
    ]


def _divide(line: Line, read: list[tuple[LineDigit, float]]) -> list[Found]:
    """The ink of each digit that was read, given with its column in the working picture."""
    digits = [digit for digit, _ in read]
    shares = divide(line, [x for _, x in read])
    found: list[Found] = []
    for cut_from, neighbours in groupby(shares, key=lambda share: share.cut_from):
        group = list(neighbours)
        parts = tuple(_describe(share, digits) for share in group)
        is_all = len(group) == sum(share.cut_from == cut_from for share in shares)  # no other digit stands between
        if cut_from is not None and is_all and line.pieces[cut_from].width < line.height:
            joined = [line.pieces[cut_from], *(piece for share in group for piece in share.pieces[1:])]
            found.append(replace(_describe(Share(None, joined), digits), parts=parts))
        else:
            found += parts
    return found


def _describe(share: Share, digits: list[LineDigit]) -> Found:
    probabilities = None if share.number is None else digits[share.number].probabilities
    return Found(centre(share.paint())[0], share.box, probabilities, share.cut_from)


def _require(has_room: bool) -> None:
    if not has_room:
        raise PictureRefused(f"The picture holds more than {MOST_DIGITS} digits, or too much else. Send a part of it.")


def _judge(found: Found, own: Floats, segmentation: Segmentation, least_certainty: float) -> ReadDigit:
    pixels = found.image.astype(np.float32) / np.float32(255)
    probabilities = own
    if found.cut_from is not None and found.probabilities is not None:
        probabilities, least_certainty = found.probabilities, segmentation.least_certainty
    elif found.probabilities is not None:
        probabilities = _join(own, found.probabilities)
    reason = doubt(probabilities, pixels, least_certainty)
    if reason is None and found.cut_from is None:  # the line reader alone makes nothing sure
        reason = doubt(own, pixels, least_certainty)
    digit = int(probabilities.argmax())
    return ReadDigit(digit, float(probabilities[digit]), _enlarge(found.box, segmentation), reason)


def _join(own: Floats, other: Floats) -> Floats:
    """The product of two opinions (10,), as probabilities."""
    product = (own + LEAST) * (other + LEAST)
    joined: Floats = product / product.sum()
    return joined


def _enlarge(box: Box, segmentation: Segmentation) -> Box:
    """A box of the working picture in the one that was sent, and within it."""
    left, top, right, bottom = (edge / segmentation.scale for edge in box)
    width, height = segmentation.size
    x, y = min(max(0, int(left)), width - 1), min(max(0, int(top)), height - 1)
    return x, y, min(max(x + 1, int(np.ceil(right))), width), min(max(y + 1, int(np.ceil(bottom))), height)
