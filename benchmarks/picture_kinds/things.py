"""Digits with other things in the picture: frames, lines, squares, writing, fingers, a table."""

import numpy as np

from models.training.scenes import clutter
from models.training.scenes.camera import warped
from models.training.scenes.clutter import border, cut_neighbour
from models.training.scenes.colours import Colour, Picture
from models.training.scenes.drawing import side_of
from models.training.scenes.grounds import folded, paper, plain, printed_text, ruled, squared
from models.training.scenes.pens import outline_digit
from models.training.scenes.printing import printed_digit
from models.training.scenes.surroundings import binder_holes, finger, staple, table
from picture_kinds.kinds import (
    INKS,
    PAPERS,
    Half,
    Hand,
    Page,
    Random,
    colour_of,
    jpeg,
    kind,
    pick,
    png,
    write_page,
)

LINES = ("#101010", "#303030", "#2858a0", "#a03838", "#606060", "#407050")  # colours of printed lines


@kind("frame, thin")
def thin_frame(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    distance = pick(half, random, 0.1, 0.15, 0.25, 0.35)
    ink = clutter.frame(page.shape, page.box, random, pick(half, random, 1.0, 1.5, 2.0, 2.5), distance)
    return png(page.add(ink, _line_colour(page, random, half)).picture)


@kind("frame, as broad as the pen or broader")
def broad_frame(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.35, 0.4, 0.45))
    pen = side_of(page.box) * pick(half, random, 0.06, 0.08, 0.11, 0.14)
    ink = clutter.frame(page.shape, page.box, random, pen, pick(half, random, 0.12, 0.18, 0.25, 0.3))
    return png(page.add(ink, _line_colour(page, random, half)).picture)


@kind("frame that nearly touches the digit")
def near_frame(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    pen = max(1.0, side_of(page.box) * pick(half, random, 0.015, 0.02, 0.03, 0.04))
    ink = clutter.frame(page.shape, page.box, random, pen, pick(half, random, 0.03, 0.04, 0.05, 0.06))
    return png(page.add(ink, _line_colour(page, random, half)).picture)


@kind("comb of boxes of a form")
def comb(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.4, 0.45, 0.5, 0.55))
    ink = clutter.comb(page.shape, page.box, random, pick(half, random, 1.0, 1.5, 2.0, 3.0))
    return png(page.add(ink, _line_colour(page, random, half)).picture)


@kind("circle around the digit")
def circle(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.35, 0.4, 0.45))
    pen = max(1.0, side_of(page.box) * pick(half, random, 0.02, 0.03, 0.05, 0.07))
    ink = clutter.circle(page.shape, page.box, random, pen)
    return png(page.add(ink, None if random.random() < 0.5 else colour_of(pick(half, random, *INKS))).picture)


@kind("underlined")
def underlined(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    pen = max(1.0, side_of(page.box) * pick(half, random, 0.02, 0.035, 0.05, 0.08))
    return png(page.add(clutter.underline(page.shape, page.box, random, pen)).picture)


@kind("struck through by a thin line")
def struck(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, broadening=pick(half, random, 0.0, 0.01))
    return png(page.add(clutter.strike(page.shape, page.box, random), colour_of(pick(half, random, *INKS))).picture)


@kind("crossing-out beside")
def crossed_out(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.3, 0.35, 0.4))
    return png(page.add(clutter.crossing_out(page.shape, page.box, random)).picture)


@kind("tick beside")
def ticked(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.35, 0.4, 0.45))
    return png(page.add(clutter.tick(page.shape, page.box, random), colour_of(pick(half, random, *INKS))).picture)


@kind("grid as dark as the ink")
def dark_grid(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, broadening=0.01)
    spacing = side_of(page.box) * pick(half, random, 0.3, 0.4, 0.5, 0.7, 0.9)
    return png(page.add(clutter.grid(page.shape, page.box, random, spacing), 0.4 + 0.6 * page.colour).picture)


@kind("squared paper")
def squared_paper(hand: Hand, random: Random, half: Half) -> bytes:
    sheet = _sheet(random, half)
    spacing = sheet.shape[0] * pick(half, random, 0.08, 0.1, 0.14, 0.18)
    return jpeg(_written(hand, squared(sheet, random, spacing, pick(half, random, 0.3, 0.4, 0.6, 0.7)), random, half))


@kind("ruled paper")
def ruled_paper(hand: Hand, random: Random, half: Half) -> bytes:
    sheet = _sheet(random, half)
    spacing = sheet.shape[0] * pick(half, random, 0.12, 0.16, 0.22, 0.3)
    return jpeg(_written(hand, ruled(sheet, random, spacing, pick(half, random, 0.3, 0.5, 0.7, 0.9)), random, half))


@kind("written over pale print")
def over_print(hand: Hand, random: Random, half: Half) -> bytes:
    sheet = printed_text(_sheet(random, half), random, pick(half, random, 0.1, 0.14, 0.18, 0.22))
    return png(_written(hand, sheet, random, half))


@kind("folded sheet")
def folded_sheet(hand: Hand, random: Random, half: Half) -> bytes:
    return jpeg(_written(hand, folded(_sheet(random, half), random), random, half))


@kind("print beside")
def text_beside(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, side=pick(half, random, 128, 160, 200, 256, 320))
    size = max(6, round(side_of(page.box) * pick(half, random, 0.12, 0.16, 0.2, 0.25)))
    ink = clutter.text_beside(page.shape, page.box, random, size)
    return png(page.add(ink, colour_of(pick(half, random, *LINES))).picture)


@kind("second digit cut by the edge")
def second_digit(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.4, 0.5, 0.6))
    write = printed_digit if random.random() < 0.3 else outline_digit
    glyph = write(int(random.integers(10)), side_of(page.box), random)
    return png(page.add(cut_neighbour(page.shape, page.box, random, glyph)).picture)


@kind("dust and specks")
def dusty(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    return png(page.add(clutter.specks(page.shape, random, pick(half, random, 5, 10, 20, 30))).picture)


@kind("finger at the edge")
def with_finger(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    return jpeg(finger(page.picture, page.box, random))


@kind("binder holes and a staple")
def with_holes(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.35, 0.4, 0.45))
    return jpeg(staple(binder_holes(page.picture, page.box, random), page.box, random))


@kind("smeared ink")
def smeared(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    return png(page.add(clutter.smear(page.shape, page.box, random)).picture)


@kind("table 5 % around the sheet")
def table_of_5(hand: Hand, random: Random, half: Half) -> bytes:
    return _on_table(hand, pick(half, random, 0.04, 0.05, 0.06), random, half)


@kind("table 15 % around the sheet")
def table_of_15(hand: Hand, random: Random, half: Half) -> bytes:
    return _on_table(hand, pick(half, random, 0.13, 0.15, 0.17), random, half)


@kind("table 40 to 80 % around the sheet")
def table_of_40(hand: Hand, random: Random, half: Half) -> bytes:
    return _on_table(hand, pick(half, random, 0.4, 0.5, 0.6, 0.8), random, half)


@kind("table on one or two sides")
def table_edge(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, share=pick(half, random, 0.35, 0.4, 0.45))
    shown = random.permutation(4) < pick(half, random, 1, 2)
    edges = shown * page.shape[0] * pick(half, random, 0.06, 0.1, 0.14, 0.18)
    return jpeg(table(page.picture, page.box, random, (edges[0], edges[1], edges[2], edges[3])))


@kind("cut-out screenshot with a coloured border")
def screenshot_border(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(
        hand, random, half, ground=plain((200, pick(half, random, 200, 260, 320)), np.ones(3, np.float32))
    )
    sides = border(page.shape, random, pick(half, random, 8, 12, 16, 20))
    return png(page.add(sides, colour_of(pick(half, random, "#202020", "#3068b0", "#c0c0c0", "#e0e0f0"))).picture)


def _on_table(hand: Hand, margin: float, random: Random, half: Half) -> bytes:
    """A sheet with a digit on a table that shows on all sides, `margin` times the sheet's side broad."""
    side = pick(half, random, 200, 240, 300, 360)
    edge = round(side * margin)
    page = write_page(hand, random, half, side=side, share=pick(half, random, 0.3, 0.4, 0.5, 0.6))
    sheet = np.pad(page.picture, ((edge, edge), (edge, edge), (0, 0)), mode="edge")
    box = (page.box[0] + edge, page.box[1] + edge, page.box[2] + edge, page.box[3] + edge)
    picture = table(sheet, box, random, (edge, edge, edge, edge))
    turned, _ = warped(picture, [], random, pick(half, random, -4.0, -2.0, 0.0, 3.0, 5.0), 0.02)
    return jpeg(turned)


def _sheet(random: Random, half: Half) -> Picture:
    side = pick(half, random, 128, 160, 200, 240, 320)
    return paper((side, side), random, colour_of(pick(half, random, *PAPERS)))


def _written(hand: Hand, sheet: Picture, random: Random, half: Half) -> Picture:
    return write_page(hand, random, half, ground=sheet, broadening=0.005).picture


def _line_colour(page: Page, random: Random, half: Half) -> Colour:
    """The digit's colour for half of the pictures, else a printed line's."""
    return page.colour if random.random() < 0.5 else colour_of(pick(half, random, *LINES))
