"""Pictures that show no digit, or two, with the reasons that are right for them."""

import numpy as np
from PIL import Image, ImageDraw

from models.pictures.boxes import Box
from models.training.outliers import SIGNS
from models.training.scenes import clutter, grounds
from models.training.scenes.camera import noisy
from models.training.scenes.colours import Colour, Ink, Picture, paint
from models.training.scenes.drawing import draw_discs, draw_lines
from models.training.scenes.images import to_floats
from models.training.scenes.noise import smooth_noise
from picture_kinds.kinds import INKS, PAPERS, Half, Hand, Random, colour_of, jpeg, kind, pick, png

LETTERS = "".join(sign for sign in SIGNS if sign.isalpha() and sign.isascii())


@kind("blank: plain", reasons=("blank",))
def blank(hand: Hand, random: Random, half: Half) -> bytes:
    return png(grounds.plain(_shape(random, half), colour_of(pick(half, random, *PAPERS, *INKS))))


@kind("blank: paper, photographed", reasons=("blank",))
def blank_paper(hand: Hand, random: Random, half: Half) -> bytes:
    return jpeg(noisy(_sheet(random, half), random, pick(half, random, 0.01, 0.02, 0.03, 0.04)))


@kind("blank: wood, cloth, stone", reasons=("blank", "not_a_digit"))
def blank_texture(hand: Hand, random: Random, half: Half) -> bytes:
    make = (grounds.wood, grounds.cloth, grounds.marbled)[int(random.integers(3))]
    return jpeg(make(_shape(random, half), random))


@kind("blank: ruled or squared", reasons=("blank", "not_a_digit"))
def blank_ruled(hand: Hand, random: Random, half: Half) -> bytes:
    rule = grounds.ruled if random.random() < 0.5 else grounds.squared
    return png(rule(_sheet(random, half), random, None, pick(half, random, 0.3, 0.5, 0.7, 0.9)))


@kind("noise", reasons=("blank", "not_a_digit"))
def noise(hand: Hand, random: Random, half: Half) -> bytes:
    shape = _shape(random, half)
    if random.random() < 0.5:
        return png(random.random((*shape, 3), dtype=np.float32))
    return png(np.repeat(smooth_noise(shape, pick(half, random, 3.0, 6.0, 12.0, 25.0), random)[..., None], 3, axis=2))


@kind("letter without a look-alike", reasons=("not_a_digit", "ambiguous"))
def letter(hand: Hand, random: Random, half: Half) -> bytes:
    height = pick(half, random, 40, 60, 90, 130)
    font = grounds.font_of(grounds.FONTS[int(random.integers(len(grounds.FONTS)))], height)
    canvas = Image.new("L", (2 * height, 2 * height))
    ImageDraw.Draw(canvas).text((height, height), LETTERS[int(random.integers(len(LETTERS)))], 255, font, anchor="mm")
    return png(_on_sheet(to_floats(canvas), random, half))


@kind("frame alone", reasons=("blank", "not_a_digit"))
def frame(hand: Hand, random: Random, half: Half) -> bytes:
    shape = _shape(random, half)
    thickness, distance = pick(half, random, 1.0, 2.0, 3.0, 5.0), pick(half, random, 0.05, 0.1, 0.15, 0.2)
    return png(_on_sheet(clutter.frame(shape, _middle(shape), random, thickness, distance), random, half))


@kind("border alone", reasons=("blank",))
def border(hand: Hand, random: Random, half: Half) -> bytes:
    return png(_on_sheet(clutter.border(_shape(random, half), random, pick(half, random, 1, 2, 3, 4)), random, half))


@kind("level line", reasons=("blank", "not_a_digit", "too_small"))
def line(hand: Hand, random: Random, half: Half) -> bytes:
    height, width = _shape(random, half)
    y, reach, tilt = random.uniform(0.3, 0.7) * height, random.uniform(0.2, 0.6) * width, random.uniform(-0.2, 0.2)
    ends = np.array([(width / 2 - reach, y - reach * tilt), (width / 2 + reach, y + reach * tilt)])
    return png(_on_sheet(draw_lines((height, width), [ends], pick(half, random, 1.5, 2.5, 4.0, 6.0)), random, half))


@kind("dot", reasons=("too_small", "not_a_digit"))
def dot(hand: Hand, random: Random, half: Half) -> bytes:
    shape = _shape(random, half)
    radius = shape[0] * pick(half, random, 0.015, 0.02, 0.03, 0.05)
    place = (shape[1] * random.uniform(0.3, 0.7), shape[0] * random.uniform(0.3, 0.7))
    return png(_on_sheet(draw_discs(shape, [place], radius), random, half))


@kind("smear alone", reasons=("blank", "not_a_digit"))
def smear(hand: Hand, random: Random, half: Half) -> bytes:
    shape = _shape(random, half)
    return jpeg(_on_sheet(clutter.smear(shape, _middle(shape), random), random, half))


@kind("two digits", reasons=("not_a_digit",))
def two_digits(hand: Hand, random: Random, half: Half) -> bytes:
    height = pick(half, random, 40, 60, 90, 120)
    gap = np.zeros((height, max(2, round(height * pick(half, random, 0.1, 0.15, 0.25, 0.4)))), np.float32)
    glyphs = [hand.write(height, random), gap, Hand(int(random.integers(10)), None).write(height, random)]
    rows = max(glyph.shape[0] for glyph in glyphs)
    line = np.concatenate([np.pad(glyph, ((0, rows - glyph.shape[0]), (0, 0))) for glyph in glyphs], axis=1)
    return png(_on_sheet(np.pad(line, height // 2), random, half))


@kind("drawn face", reasons=("not_a_digit",))
def face(hand: Hand, random: Random, half: Half) -> bytes:
    shape = _shape(random, half)
    radius = 0.35 * shape[0]
    middle = np.array([shape[1] / 2, shape[0] / 2])
    circle, smile = np.linspace(0, 2 * np.pi, 50), np.linspace(0.15 * np.pi, 0.85 * np.pi, 20)
    parts = ((circle, 1.0), (smile, 0.55))
    lines = [middle + radius * size * np.stack([np.cos(turn), np.sin(turn)], axis=1) for turn, size in parts]
    eyes = [(float(middle[0] + side * 0.35 * radius), float(middle[1] - 0.3 * radius)) for side in (-1, 1)]
    pen = radius * pick(half, random, 0.06, 0.08, 0.1, 0.13)
    return png(_on_sheet(np.maximum(draw_lines(shape, lines, pen), draw_discs(shape, eyes, pen)), random, half))


def _on_sheet(ink: Ink, random: Random, half: Half) -> Picture:
    return paint(_paper((ink.shape[0], ink.shape[1]), random, half), ink, _ink(random, half))


def _sheet(random: Random, half: Half) -> Picture:
    return _paper(_shape(random, half), random, half)


def _paper(shape: tuple[int, int], random: Random, half: Half) -> Picture:
    return grounds.paper(shape, random, colour_of(pick(half, random, *PAPERS)))


def _ink(random: Random, half: Half) -> Colour:
    return colour_of(pick(half, random, *INKS))


def _shape(random: Random, half: Half) -> tuple[int, int]:
    height = pick(half, random, 100, 128, 160, 200, 280)
    return height, round(height * pick(half, random, 0.8, 1.0, 1.2, 1.4))


def _middle(shape: tuple[int, int]) -> Box:
    """The box that a digit would have."""
    height, width = shape
    return round(0.35 * width), round(0.25 * height), round(0.65 * width), round(0.75 * height)
