"""Digits that are cut out tightly, squeezed into a square, or have a border on all four sides."""

import numpy as np
from PIL import Image

from models.training.scenes.camera import as_jpeg, blurred, noisy
from models.training.scenes.clutter import border
from models.training.scenes.colours import Ink, paint
from models.training.scenes.grounds import paper
from models.training.scenes.images import to_bytes
from picture_kinds.kinds import (
    INKS,
    PAPERS,
    Half,
    Hand,
    Random,
    colour_of,
    encode,
    grey_image,
    kind,
    pick,
    png,
    write_page,
)

NATIVE = (18, 19, 20, 21, 22, 24)  # pixels tall, about as MNIST's digits
FILTERS = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)
SOLID = 0.7  # of a box that is ink: only a straight 1 covers so much of it
NARROWEST = 0.4  # of the height: a digit is never squeezed from a narrower box, where a 1 would become a square


@kind("tight cut, dark on light")
def tight_dark(hand: Hand, random: Random, half: Half) -> bytes:
    return encode(grey_image(_cut(hand, pick(half, random, *NATIVE), random), is_light_on_dark=False))


@kind("tight cut, light on dark")
def tight_light(hand: Hand, random: Random, half: Half) -> bytes:
    return encode(grey_image(_cut(hand, pick(half, random, *NATIVE), random), is_light_on_dark=True))


@kind("tight cut, ten times larger")
def tight_large(hand: Hand, random: Random, half: Half) -> bytes:
    small = grey_image(_cut(hand, pick(half, random, *NATIVE), random), random.random() < 0.5)
    return encode(small.resize((small.width * 10, small.height * 10), pick(half, random, *FILTERS)))


@kind("tight cut, large pen")
def tight_pen(hand: Hand, random: Random, half: Half) -> bytes:
    return encode(grey_image(_cut(hand, pick(half, random, 60, 90, 140, 200, 320, 420), random), random.random() < 0.5))


@kind("tight cut, 1-bit")
def tight_one_bit(hand: Hand, random: Random, half: Half) -> bytes:
    ink = _cut(hand, pick(half, random, 20, 24, 32, 40, 64, 100), random)
    return encode(grey_image((ink > 0.5).astype(np.float32), random.random() < 0.5).convert("1"))


@kind("tight cut, two grey levels")
def tight_two_levels(hand: Hand, random: Random, half: Half) -> bytes:
    ink = _cut(hand, pick(half, random, 20, 24, 32, 40, 64, 100), random) > 0.5
    dark, light = pick(half, random, (0, 200), (20, 255), (60, 180), (90, 210))
    is_light = random.random() < 0.5
    return encode(Image.fromarray(np.where(ink == is_light, light, dark).astype(np.uint8)))


@kind("tight cut, scanned in colour")
def tight_scan(hand: Hand, random: Random, half: Half) -> bytes:
    glyph = _cut(hand, pick(half, random, 24, 32, 48, 64, 96, 128), random)
    sheet = paper((glyph.shape[0], glyph.shape[1]), random, colour_of(pick(half, random, *PAPERS)))
    picture = paint(sheet, glyph, colour_of(pick(half, random, *INKS)))
    picture = noisy(blurred(picture, random, 0.01 * glyph.shape[0]), random, pick(half, random, 0.01, 0.02, 0.03, 0.04))
    return png(as_jpeg(picture, random, pick(half, random, 40, 60, 75, 90)))


@kind("cut with a narrow margin")
def narrow_margin(hand: Hand, random: Random, half: Half) -> bytes:
    glyph = _cut(hand, pick(half, random, 20, 28, 40, 60, 90, 150), random)
    margins = [round(glyph.shape[0] * random.choice(pick(half, random, (0.0, 0.06), (0.02, 0.1)))) for _ in range(4)]
    ink = np.pad(glyph, ((margins[0], margins[1]), (margins[2], margins[3])))
    return encode(grey_image(ink, random.random() < 0.5))


@kind("squeezed into 32x32")
def square_32(hand: Hand, random: Random, half: Half) -> bytes:
    return _squeezed(hand, 32, random, half)


@kind("squeezed into 16x16")
def square_16(hand: Hand, random: Random, half: Half) -> bytes:
    return _squeezed(hand, 16, random, half)


@kind("squeezed into 8x8")
def square_8(hand: Hand, random: Random, half: Half) -> bytes:
    return _squeezed(hand, 8, random, half)


@kind("squeezed into 32x32, 1-bit")
def square_32_one_bit(hand: Hand, random: Random, half: Half) -> bytes:
    square = _square(hand.write(100, random), 32, pick(half, random, *FILTERS))
    return encode(grey_image((square > 0.5).astype(np.float32), random.random() < 0.5).convert("1"))


@kind("border of one pixel")
def border_of_one(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    level = pick(half, random, 0.0, 0.3, 0.5, 0.15)
    return png(page.add(border(page.shape, random, 1), np.full(3, level, np.float32)).picture)


@kind("border of 2 to 6 pixels")
def border_of_more(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    colour = colour_of(pick(half, random, "#000000", "#404040", "#2050a0", "#903030", "#808080", "#206030"))
    return png(page.add(border(page.shape, random, pick(half, random, 2, 3, 4, 5, 6)), colour).picture)


@kind("border of a cell around a tight cut")
def border_of_cell(hand: Hand, random: Random, half: Half) -> bytes:
    glyph = hand.write(pick(half, random, 24, 30, 40, 56, 80), random)
    pen = pick(half, random, 1, 2, 3)
    gap = pen + max(2, round(glyph.shape[0] * pick(half, random, 0.1, 0.15, 0.25, 0.35)))
    ink = np.pad(glyph, gap)
    return encode(grey_image(np.maximum(ink, border((ink.shape[0], ink.shape[1]), random, pen)), random.random() < 0.4))


def _cut(hand: Hand, height: int, random: Random) -> Ink:
    """The digit without a margin; a straight 1 keeps some at its sides, or its picture would be a solid bar."""
    ink = hand.write(height, random)
    side = max(1, round(0.1 * height)) if ink.mean() > SOLID else 0
    return np.pad(ink, ((0, 0), (side, side)))


def _squeezed(hand: Hand, side: int, random: Random, half: Half) -> bytes:
    square = _square(hand.write(100, random), side, pick(half, random, *FILTERS))
    return encode(grey_image(square, random.random() < 0.5))


def _square(ink: Ink, side: int, method: Image.Resampling) -> Ink:
    """The ink squeezed or stretched into a square; a narrow digit keeps a margin on the left and right."""
    missing = max(0, round(NARROWEST * ink.shape[0]) - ink.shape[1])
    wide = np.pad(ink, ((0, 0), (missing // 2, missing - missing // 2)))
    square = np.asarray(Image.fromarray(to_bytes(wide)).resize((side, side), method), np.float32)
    return square * np.float32(1 / 255)
