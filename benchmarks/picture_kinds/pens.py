"""Digits drawn with every kind of pen, printed, and shown by displays."""

import numpy as np
from PIL import Image, ImageDraw

from models.training.scenes.colours import Ink, Picture, paint
from models.training.scenes.geometric import geometric_paths
from models.training.scenes.grounds import paper, plain
from models.training.scenes.pens import outline_paths
from models.training.scenes.printing import printed_digit, seven_segment_digit
from models.training.scenes.strokes import Path, place, trace
from picture_kinds.kinds import (
    BLACK,
    INKS,
    PAPERS,
    WHITE,
    Half,
    Hand,
    Random,
    colour_of,
    encode,
    jpeg,
    kind,
    pick,
    png,
    write_page,
)
from picture_kinds.kinds import place as place_glyph

DISPLAYS = (  # the ground and the lit segments
    ("#180404", "#ff3020"), ("#9aa88c", "#20241c"), ("#041008", "#40ff70"), ("#c0c8b8", "#101010"),
    ("#000814", "#50a0ff"), ("#181208", "#ffb020"), ("#b8c4a8", "#283020"), ("#202020", "#f0f0f0"),
)  # fmt: skip


@kind("broad marker, holes nearly closed")
def marker(hand: Hand, random: Random, half: Half) -> bytes:
    return jpeg(write_page(hand, random, half, style="marker").picture)


@kind("pencil")
def pencil(hand: Hand, random: Random, half: Half) -> bytes:
    ink = np.full(3, pick(half, random, 0.15, 0.2, 0.25, 0.3), np.float32)
    return jpeg(write_page(hand, random, half, style="pencil", ink=ink).picture)


@kind("hairline of 1 to 3 pixels")
def hairline(hand: Hand, random: Random, half: Half) -> bytes:
    return png(write_page(hand, random, half, style="hairline").picture)


@kind("chalk on a board")
def chalk(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 112, 128, 200, 256, 320)
    board = paper((side, side), random, colour_of(pick(half, random, "#143c2c", "#202020", "#1c2830", "#0c2c20")))
    return jpeg(write_page(hand, random, half, style="chalk", ground=board, ink=colour_of("#f0f0e8")).picture)


@kind("crayon")
def crayon(hand: Hand, random: Random, half: Half) -> bytes:
    colours = ("#c03030", "#3050c0", "#208040", "#a040a0", "#d06010", "#604020")
    ink = colour_of(pick(half, random, *colours))
    return jpeg(write_page(hand, random, half, style="chalk", ink=ink).picture)


@kind("dotted strokes")
def dotted(hand: Hand, random: Random, half: Half) -> bytes:
    return png(write_page(hand, random, half, style="dotted", share=0.6).picture)


@kind("dashed strokes")
def dashed(hand: Hand, random: Random, half: Half) -> bytes:
    return png(write_page(hand, random, half, style="dashed", share=0.6).picture)


@kind("strokes drawn twice")
def double(hand: Hand, random: Random, half: Half) -> bytes:
    return png(write_page(hand, random, half, style="double").picture)


@kind("outlined digit")
def outlined(hand: Hand, random: Random, half: Half) -> bytes:
    return png(write_page(hand, random, half, style="outlined", side=pick(half, random, 128, 160, 200, 300)).picture)


@kind("printed digit")
def printed(hand: Hand, random: Random, half: Half) -> bytes:
    return png(_shown(printed_digit(hand.label, pick(half, random, 30, 44, 60, 90, 140), random), random, half))


@kind("printed hollow digit")
def hollow(hand: Hand, random: Random, half: Half) -> bytes:
    glyph = printed_digit(hand.label, pick(half, random, 60, 80, 110, 150), random, hollow=True)
    return png(_shown(glyph, random, half))


@kind("seven-segment display")
def seven_segment(hand: Hand, random: Random, half: Half) -> bytes:
    glyph = seven_segment_digit(hand.label, pick(half, random, 40, 60, 90, 120, 160), random)
    shape = (round(glyph.shape[0] * 1.7), round(glyph.shape[0] * 1.5))
    ink, _ = place_glyph(glyph, shape, random)
    ground, lit = (colour_of(text) for text in pick(half, random, *DISPLAYS))
    return png(paint(plain(shape, ground), ink, lit))


@kind("canvas drawing, round brush")
def canvas(hand: Hand, random: Random, half: Half) -> bytes:
    """As drawing pads in a browser make them: a square canvas, a brush without half tones."""
    side = pick(half, random, 200, 256, 280, 400, 500)
    pen, share = side * pick(half, random, 0.03, 0.045, 0.06, 0.08), pick(half, random, 0.5, 0.6, 0.7, 0.8)
    return _drawn(_paths(hand, random), side, pen, share, random)


@kind("canvas of 320 to 1600, pen of 1 to 3")
def thin_canvas(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 320, 480, 640, 800, 1024, 1280, 1600)
    pen, share = pick(half, random, 1, 2, 3), pick(half, random, 0.4, 0.5, 0.6, 0.7)
    return _drawn(_paths(hand, random), side, pen, share, random)


@kind("small digit on a large canvas")
def small_on_canvas(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 400, 500, 640, 800)
    pen, share = pick(half, random, 2, 3, 4, 5), pick(half, random, 0.08, 0.1, 0.13, 0.16)
    return _drawn(_paths(hand, random), side, pen, share, random)


@kind("canvas drawing, straight lines and circles")
def geometric(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 320, 360, 480, 640, 1024, 1152, 1600)
    paths = geometric_paths(hand.label, random)
    return _drawn(paths, side, pick(half, random, 1, 2, 3, 4, 8), pick(half, random, 0.5, 0.6, 0.7), random)


def _paths(hand: Hand, random: Random) -> list[Path]:
    """The middle lines of the digit's strokes."""
    if hand.image is None or not hand.is_traceable:
        return outline_paths(hand.label, random)
    return trace(np.pad(hand.image / np.float32(255), 2))


def _drawn(paths: list[Path], side: int, pen: float, share: float, random: Random) -> bytes:
    """A digit drawn along its middle lines with hard edges, in either polarity."""
    placed, (width, height) = place(paths, round(side * share), pen)
    shift = np.array([side - width, side - height]) * random.uniform(0.25, 0.75, 2)
    is_light = random.random() < 0.4
    image = Image.new("RGB", (side, side), "black" if is_light else "white")
    brush = ImageDraw.Draw(image)
    for path in placed:
        points = [(float(x), float(y)) for x, y in path + shift]
        brush.line(points, "white" if is_light else "black", max(1, round(pen)), joint="curve")
        if pen > 3:
            for x, y in points:
                brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), "white" if is_light else "black")
    return encode(image)


def _shown(glyph: Ink, random: Random, half: Half) -> Picture:
    """A glyph on paper or on a plain ground, dark on light or light on dark."""
    shape = (round(glyph.shape[0] * pick(half, random, 1.3, 1.6, 2.0, 2.4)),) * 2
    ink, _ = place_glyph(glyph, (shape[0], max(shape[1], glyph.shape[1] + 6)), random)
    if random.random() < 0.3:
        return paint(plain((ink.shape[0], ink.shape[1]), BLACK), ink, WHITE)
    sheet = paper((ink.shape[0], ink.shape[1]), random, colour_of(pick(half, random, *PAPERS)))
    return paint(sheet, ink, colour_of(pick(half, random, *INKS)))
