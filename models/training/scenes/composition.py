"""Composes random scenes: digits on a ground, in some light, among other things, as a camera or a program shows them.

The ink of the digits is known exactly: what belongs to a digit, or to a large letter, that is shown whole. Other marks
are what somebody drew or printed beside it: frames, circles, lines under and across it, small print, a neighbour that
the edge cuts, dots. Rules, shadows, borders and dust are neither.
"""

from dataclasses import dataclass

import numpy as np

from models.pictures.boxes import Box
from models.training.scenes import camera, clutter, surroundings
from models.training.scenes.colours import (
    Picture,
    any_colour,
    dark_colour,
    equal_luminance_colours,
    ink_colour,
    light_colour,
    paint,
)  # fmt: skip
from models.training.scenes.doodles import draw_doodle, draw_dot
from models.training.scenes.drawing import middle_of
from models.training.scenes.glyphs import DigitSource
from models.training.scenes.grounds import any_ground, paper, plain
from models.training.scenes.light import any_light, hard_shadow, lit, polygon_shadow
from models.training.scenes.placing import draw_placed, draw_tight
from models.training.scenes.strokes import Ink

KINDS = (("tight", 0.17), ("single", 0.49), ("several", 0.17), ("empty", 0.17))
COMMON_MARKS: dict[clutter.Draw, int] = {  # and how often each is drawn beside digits
    clutter.frame: 5, clutter.comb: 1, clutter.circle: 4, clutter.underline: 2, clutter.strike: 3,
    clutter.crossing_out: 2, clutter.tick: 1, clutter.grid: 4, clutter.text_beside: 2, clutter.smear: 1,
}  # fmt: skip
HARD_MARKS: dict[clutter.Draw, int] = {  # ... where those are frequent that cross or touch the digit, or look like one
    clutter.frame: 4, clutter.comb: 1, clutter.circle: 6, clutter.underline: 5, clutter.strike: 6,
    clutter.crossing_out: 5, clutter.tick: 1, clutter.grid: 6, clutter.text_beside: 4, clutter.smear: 1,
}  # fmt: skip
LONELY_MARKS: dict[clutter.Draw, int] = {  # ... and where there is no digit
    clutter.frame: 4, clutter.comb: 1, clutter.underline: 1, clutter.strike: 1, clutter.crossing_out: 1,
    clutter.tick: 1, clutter.text_beside: 1, clutter.smear: 4,
}  # fmt: skip


@dataclass(frozen=True)
class Shares:
    """How often scenes show what is hard for the eye."""

    thin: float  # of the large single digits: drawn with a hairline
    marked: float  # something is drawn beside, around or across the digits
    light: float  # any light or shadow; of the rest:
    polygon: float  # a shadow with several hard edges; of the rest:
    edge: float  # the hard edge of a shadow across the digit
    marks: dict[clutter.Draw, int]


USUAL_SHARES = Shares(thin=0.3, marked=0.6, light=0.4, polygon=0.15, edge=0.35, marks=COMMON_MARKS)
HARD_SHARES = Shares(thin=0.55, marked=0.85, light=0.25, polygon=0.3, edge=0.4, marks=HARD_MARKS)


@dataclass(frozen=True)
class Scene:
    """A picture (height, width, 3), the ink (height, width) of its digits, and other marks, all in 0..1."""

    picture: Picture
    ink: Ink
    marks: Ink


def draw_scene(source: DigitSource, random: np.random.Generator, *, shares: Shares = USUAL_SHARES) -> Scene:
    """A random scene."""
    kind = str(random.choice([name for name, _ in KINDS], p=[share for _, share in KINDS]))
    ink, marks = draw_tight(source, random) if kind == "tight" else draw_placed(source, kind, random, shares.thin)
    shape = ink.shape
    box = _box_of(ink)
    ground, colour = _choose_colours(shape, random, is_clean=random.random() < (0.8 if kind == "tight" else 0.25))
    picture = paint(ground, np.maximum(ink, marks), colour)
    if kind != "tight":
        picture, ink, marks = _surround(picture, ink, marks, box, colour, source, shares, random)
    elif random.random() < 0.15:
        picture = lit(picture, any_light(shape, random))
    picture = _photograph(picture, random, is_rough=kind != "tight" or random.random() < 0.3)
    ink = np.clip(ink / _usual_coverage(ink), 0, 1)
    return Scene(np.clip(picture, 0, 1), ink, marks * (1 - ink))


def _usual_coverage(ink: Ink) -> float:
    """The coverage of the strokes, 0.4 to 1: a pencil leaves much of the paper free, and is ink all the same."""
    inside = ink[ink > 0.15]
    return float(np.clip(np.percentile(inside, 60), 0.4, 1)) if inside.size else 1.0


def _choose_colours(shape: tuple[int, int], random: np.random.Generator, *, is_clean: bool) -> tuple[Picture, Picture]:
    """A ground, and the colour of the ink on it."""
    if random.random() < 0.06:
        one, other = equal_luminance_colours(random)
        return plain(shape, one), other
    if is_clean:
        kind = random.random()
        if kind < 0.5:
            black, white = np.zeros(3, np.float32), np.ones(3, np.float32)
            return (plain(shape, white), black) if random.random() < 0.5 else (plain(shape, black), white)
        pick = light_colour if kind < 0.75 else dark_colour if kind < 0.9 else any_colour
        ground = plain(shape, pick(random))
    else:
        ground = paper(shape, random) if random.random() < 0.4 else any_ground(shape, random)
    contrast = random.uniform(0.12, 0.3) if random.random() < 0.3 else random.uniform(0.3, 0.5)
    return ground, ink_colour(np.median(ground, axis=(0, 1)).astype(np.float32), contrast, random)


def _surround(
    picture: Picture,
    ink: Ink,
    marks: Ink,
    box: Box,
    colour: Picture,
    source: DigitSource,
    shares: Shares,
    random: np.random.Generator,
) -> tuple[Picture, Ink, Ink]:
    """What lies on, around and beside the digits, and the light. Returns the picture, the ink and other marks."""
    shape, is_empty = ink.shape, not ink.any()
    if random.random() < (0.8 if is_empty else shares.marked):
        for _ in range(int(random.integers(1, 3))):
            drawn, is_mark = _draw_mark(shape, box, None if is_empty else shares.marks, random)
            tone = colour if random.random() < 0.6 else any_colour(random)
            picture = paint(picture, drawn * random.choice([1.0, 1.0, random.uniform(0.3, 1)]), tone)
            if is_mark:
                marks = np.maximum(marks, drawn)
    if random.random() < 0.12:
        side = max(8, round((box[3] - box[1]) * random.uniform(0.7, 1.2)))
        drawn = clutter.cut_neighbour(shape, box, random, source.draw(side, random, "pen"))
        picture, marks = paint(picture, drawn, colour), np.maximum(marks, drawn)
    if random.random() < 0.12:
        picture = paint(picture, clutter.specks(shape, random), any_colour(random))
    if random.random() < 0.2:
        picture, ink, marks = _lay_on_table(picture, ink, marks, random)
    box = _box_of(ink)
    if random.random() < 0.15:
        change = surroundings.SURROUNDINGS[int(random.integers(len(surroundings.SURROUNDINGS)))]
        picture = change(picture, box, random)
    shape = ink.shape
    if random.random() < shares.light:
        picture = lit(picture, any_light(shape, random))
    elif random.random() < shares.polygon:
        picture = lit(picture, polygon_shadow(shape, random))
    elif random.random() < shares.edge:
        x, y = middle_of(box) / (shape[1], shape[0])
        picture = lit(picture, hard_shadow(shape, random, through=(float(x), float(y))))
    if random.random() < 0.3:
        picture, (ink, marks) = camera.warped(picture, [ink, marks], random)
    if random.random() < 0.1:
        edge = clutter.border(ink.shape, random)
        picture, ink, marks = paint(picture, edge, any_colour(random)), ink * (1 - edge), marks * (1 - edge)
    return picture, ink, marks


def _draw_mark(
    shape: tuple[int, int], box: Box, marks: dict[clutter.Draw, int] | None, random: np.random.Generator
) -> tuple[Ink, bool]:
    """Something beside the digit, or one of LONELY_MARKS; and whether it counts as another mark: squares do not."""
    if random.random() < (0.05 if marks else 0.35):
        return draw_dot(shape, random) if random.random() < 0.4 else draw_doodle(shape, box, random), True
    shares = marks or LONELY_MARKS
    draw = random.choice(np.array(list(shares)), p=np.array(list(shares.values())) / sum(shares.values()))
    return draw(shape, box, random), draw is not clutter.grid


def _lay_on_table(picture: Picture, ink: Ink, marks: Ink, random: np.random.Generator) -> tuple[Picture, Ink, Ink]:
    """The whole sheet lies, a little turned, on a table that shows on all sides."""
    height, width = ink.shape
    share = random.choice([random.uniform(0.02, 0.2), random.uniform(0.1, 0.9)])
    edges = np.maximum(1, random.uniform(0.3, 1.7, 4) * share / 2 * max(height, width)).astype(int)
    top, bottom, left, right = edges
    inside = np.pad(np.ones((height, width), np.float32), ((top, bottom), (left, right)))
    ink, marks = (np.pad(each, ((top, bottom), (left, right))) for each in (ink, marks))
    picture = np.pad(picture, ((top, bottom), (left, right), (0, 0)), mode="edge")
    if random.random() < 0.5:
        picture, (ink, marks, inside) = camera.warped(picture, [ink, marks, inside], random)
    ground = surroundings.table_top(ink.shape, random)
    laid = ground * (1 - inside[..., None]) + picture * inside[..., None]
    return laid.astype(np.float32), ink * inside, marks * inside


def _photograph(picture: Picture, random: np.random.Generator, *, is_rough: bool) -> Picture:
    """What a camera, a scanner or a program does to the picture."""
    if not is_rough:
        return picture
    changes = (
        (0.25, camera.blurred), (0.05, camera.motion_blurred), (0.2, camera.noisy), (0.03, camera.salt_and_pepper),
        (0.15, camera.low_contrast), (0.1, camera.coarse), (0.06, camera.posterised), (0.08, camera.one_bit),
        (0.15, camera.gamma), (0.15, camera.colour_cast), (0.08, camera.uneven_exposure), (0.25, camera.as_jpeg),
    )  # fmt: skip
    for share, change in changes:
        if random.random() < share:
            picture = np.clip(change(picture, random), 0, 1)
    return picture


def _box_of(ink: Ink) -> Box:
    """The box of the ink; the middle half of the picture without ink."""
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.3), np.flatnonzero(ink.max(axis=0) > 0.3)
    if not len(rows) or not len(columns):
        height, width = ink.shape
        return width // 4, height // 4, max(width // 4 + 4, 3 * width // 4), max(height // 4 + 4, 3 * height // 4)
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
