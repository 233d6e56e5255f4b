"""Segments a page: finds its lines, reads each with the line reader, and cuts out the digits that were read."""

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.arrays import Floats
from models.errors import PictureRefused
from models.inference.line_reader import LineDigit, LineReader
from models.pictures.boxes import Box
from models.pictures.centring import centre
from models.pictures.decoding import Decoded, decode
from models.pictures.eye import Eye
from models.pictures.ink_assignment import DigitInk, assign_ink
from models.pictures.layout import find_layout
from models.pictures.line_image import draw_line_image
from models.pictures.normalisation import normalise
from models.pictures.text_lines import TextLine

MAX_DIGITS = 100
MAX_LINE_PIXELS = 50_000  # width of all line images together: about a second of CPU time for the line reader
SHIFTS = ((0, 0), (0, 1), (1, 0), (1, 1))  # rows, columns: the classifier sees each image four times


@dataclass(frozen=True)
class DigitCandidate:
    """An image for the classifier, and what the line reader read there."""

    image: NDArray[np.uint8]  # (28, 28)
    box: Box  # in pixels of the working picture
    probabilities: Floats | None  # (10,) by the line reader; None for ink that it did not read
    split_from: int | None  # the index of the line's component, if it was split between several digits
    parts: tuple["DigitCandidate", ...] = ()  # what was read in this component, if it may also be a single digit


@dataclass(frozen=True)
class Segmentation:
    """The digit candidates of a page, and how its pixels relate to those of the original."""

    lines: list[list[DigitCandidate]]
    dashes: list[list[float]]  # of each line: the columns of its dashes, in pixels of the working picture
    min_margin: float  # of the line reader, for digits that were split from a component
    upright: Image.Image  # at most 1024 pixels long
    reduction: float  # pixels of `upright` for one of the original
    scale: float  # pixels of the working picture for one of the original
    size: tuple[int, int]  # of the original, upright

    def pixels(self) -> Floats:
        """The classifier's input (4 n, 1, 28, 28) in 0..1: all n images, once for each of SHIFTS."""
        every = [each.image for line in self.lines for found in line for each in (found, *found.parts)]
        images = np.array(every, np.uint8).reshape(-1, 28, 28)
        shifted = np.concatenate([np.roll(images, shift, axis=(1, 2)) for shift in SHIFTS])
        return shifted[:, None].astype(np.float32) / np.float32(255)


def segment(picture: Image.Image | Decoded, reader: LineReader, eye: Eye) -> Segmentation:
    """Find the digits of a page. Raises PictureRefused if the picture is damaged or has too many marks."""
    decoded = decode(picture)
    upright, reduction, size = decoded
    layout = find_layout(upright, eye)
    read, remaining_pixels = [], MAX_LINE_PIXELS
    for line in layout.lines:
        image = draw_line_image(line)
        remaining_pixels -= image.ink.shape[1]
        _require(remaining_pixels >= 0)
        read.append([(digit, image.to_working_x(digit.x)) for digit in reader.read(image.ink)])
        _require(sum(map(len, read)) <= MAX_DIGITS)  # before the next line is drawn and any ink is assigned
    lines = [_find_candidates(line, digits) for line, digits in zip(layout.lines, read, strict=True)]
    _require(sum(len(found.parts) or 1 for line in lines for found in line) <= MAX_DIGITS)
    dashes = [line.dashes for line in layout.lines]
    if sum(map(len, lines)) <= 1:
        alone = _prepare_alone(decoded, eye, lines, layout.scale * reduction)
        lines, dashes = ([[alone]], [[]]) if alone else (lines, dashes)
    return Segmentation(lines, dashes, reader.min_margin, upright, reduction, layout.scale * reduction, size)


def _prepare_alone(
    decoded: Decoded, eye: Eye, lines: list[list[DigitCandidate]], scale: float
) -> DigitCandidate | None:
    """The only digit of a picture as a prediction would see it; None if it would see no digit, or several."""
    normalised = normalise(decoded, eye)
    if normalised.box is None or normalised.rejection_reason is not None:
        return None
    left, top, right, bottom = (round(edge * scale) for edge in normalised.box)
    parts = tuple(part for line in lines for found in line for part in found.parts)
    return DigitCandidate(normalised.image, (left, top, right, bottom), None, None, parts)


def _find_candidates(line: TextLine, read: list[tuple[LineDigit, float]]) -> list[DigitCandidate]:
    """The candidates of a line, from the digits that were read and their columns in the working picture.

    A component that was split, but is narrower than the line is tall, may be one digit: its parts are kept in that one.
    """
    digits = [digit for digit, _ in read]
    inks = assign_ink(line, [x for _, x in read])
    found: list[DigitCandidate] = []
    for split_from, neighbours in groupby(inks, key=lambda ink: ink.split_from):
        group = list(neighbours)
        parts = tuple(_as_candidate(ink, digits) for ink in group)
        is_whole = len(group) == sum(ink.split_from == split_from for ink in inks)  # no other digit stands between
        if split_from is not None and is_whole and line.components[split_from].width < line.height:
            joined = [line.components[split_from], *(other for ink in group for other in ink.components[1:])]
            found.append(replace(_as_candidate(DigitInk(None, joined), digits), parts=parts))
        else:
            found += parts
    return found


def _as_candidate(ink: DigitInk, digits: list[LineDigit]) -> DigitCandidate:
    probabilities = None if ink.digit_index is None else digits[ink.digit_index].probabilities
    return DigitCandidate(centre(ink.draw())[0], ink.box, probabilities, ink.split_from)


def _require(has_room: bool) -> None:
    if not has_room:
        raise PictureRefused(
            f"The picture holds more than {MAX_DIGITS} digits, or too many other marks. Send a part of it."
        )
