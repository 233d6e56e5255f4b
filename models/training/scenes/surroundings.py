"""Things with colours of their own that cover parts of a picture, float32 (height, width, 3) in 0..1.

`box` (left, top, right, bottom) in pixels is the digit's; none of these things covers it.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.pictures.boxes import Box
from models.training.scenes.colours import Ink, Picture, any_colour, dark_colour, paint
from models.training.scenes.drawing import draw_discs, draw_lines, middle_of, side_of
from models.training.scenes.grounds import Shape, cloth, gradient, marbled, plain, wood
from models.training.scenes.strokes import oversampling, to_ink


def table(
    picture: Picture, box: Box, random: np.random.Generator, edges: tuple[float, float, float, float] | None = None
) -> Picture:
    """The sheet lies on a table that shows on some sides.

    `edges` are how many pixels of the table show on the left, top, right and bottom; up to the digit if not given.
    """
    shape = picture.shape[:2]
    room = np.array([box[0], box[1], shape[1] - box[2], shape[0] - box[3]])
    if edges is None:
        shown = random.random(4) < random.choice([0.3, 0.6, 1.0])
        shares = random.uniform(0.05, 0.8, 4) * shown
    else:
        shares = np.minimum(np.array(edges) / np.maximum(room, 1), 0.95)
    sheet = _sheet(shape, room * shares, 0.15 * room * (shares > 0), random)
    edge_shadow = np.roll(sheet, (max(1, max(shape) // 60), max(1, max(shape) // 90)), (0, 1))
    ground = table_top(shape, random) * (1 - random.uniform(0, 0.6) * edge_shadow[..., None])
    return (ground * (1 - sheet[..., None]) + picture * sheet[..., None]).astype(np.float32)


def table_top(shape: Shape, random: np.random.Generator) -> Picture:
    """Wood, cloth, stone or a plain top; mostly darker than paper."""
    kind = int(random.integers(5))
    if kind == 0:
        return wood(shape, random)
    if kind == 1:
        return cloth(shape, random, any_colour(random) * np.float32(0.7))
    if kind == 2:
        return marbled(shape, random, 0.05) * np.float32(0.75)
    if kind == 3:
        return gradient(shape, random, dark_colour(random), dark_colour(random) * np.float32(1.5)).clip(0, 1)
    return plain(shape, any_colour(random) * np.float32(0.7))


def finger(picture: Picture, box: Box, random: np.random.Generator) -> Picture:
    """A finger that reaches into the picture from one edge, where there is room beside the digit."""
    shape = picture.shape[:2]
    room = np.array([box[0], box[1], shape[1] - box[2], shape[0] - box[3]])
    side = int(random.choice(np.flatnonzero(room >= 0.6 * room.max())))
    width = min(max(shape) * random.uniform(0.12, 0.25), 1.5 * room[side] + 2)
    along = random.uniform(0.1, 0.9) * (shape[0] if side in (0, 2) else shape[1])
    reach = max(1.0, room[side] * random.uniform(0.4, 0.9) - width / 2)
    tip = np.array(
        [(reach, along), (along, reach), (shape[1] - reach, along), (along, shape[0] - reach)][side], np.float64
    )
    back = np.array(
        [(-width, along), (along, -width), (shape[1] + width, along), (along, shape[0] + width)][side], np.float64
    )
    back += random.normal(0, 0.25 * width, 2)
    skin = np.array([0.87, 0.66, 0.53], np.float32) * random.uniform(0.35, 1.1) + random.normal(0, 0.02, 3)
    away = _distance_to_line(shape, back, tip)
    cover = np.clip(width / 2 - away + 0.5, 0, 1)[..., None]
    shade = 1 - 0.35 * np.clip(away / (width / 2), 0, 1) ** 2
    picture = picture * (1 - 0.35 * np.clip(1.2 - away / width, 0, 1) * (random.random() < 0.6))[..., None]
    covered: Picture = picture * (1 - cover) + np.clip(skin, 0, 1) * shade[..., None] * cover
    return covered.astype(np.float32)


def binder_holes(picture: Picture, box: Box, random: np.random.Generator) -> Picture:
    """Two to six punched holes along the left or the upper edge, dark or light."""
    shape = picture.shape[:2]
    is_left = random.random() < 0.7
    room, length = (box[0], shape[0]) if is_left else (box[1], shape[1])
    radius = min(0.35 * room, max(shape) * random.uniform(0.015, 0.04))
    if radius < 1:
        return picture
    spacing = length / int(random.integers(2, 7))
    centres = [(random.uniform(0.3, 0.6) * room, spacing * (number + 0.5)) for number in range(int(length // spacing))]
    ink = draw_discs(shape, [(x, y) if is_left else (y, x) for x, y in centres], radius)
    return paint(picture, ink, dark_colour(random) if random.random() < 0.8 else any_colour(random))


def staple(picture: Picture, box: Box, random: np.random.Generator) -> Picture:
    """A staple in a corner, with its shadow."""
    shape, size = picture.shape[:2], max(picture.shape[:2]) * random.uniform(0.08, 0.15)
    corner = np.array([(0.12, 0.12), (0.88, 0.12), (0.12, 0.88), (0.88, 0.88)][int(random.integers(4))]) * (
        shape[1],
        shape[0],
    )
    if np.abs(corner - middle_of(box)).max() < 0.6 * side_of(box) + size / 2:
        return picture
    angle = random.uniform(0, np.pi)
    line = np.stack([corner, corner + size * np.array([np.cos(angle), np.sin(angle)])]) - size / 2
    pen = max(1.0, 0.1 * size)
    shadowed = paint(picture, 0.5 * draw_lines(shape, [line + pen], pen), np.zeros(3, np.float32))
    return paint(shadowed, draw_lines(shape, [line], pen), np.full(3, random.uniform(0.45, 0.85), np.float32))


SURROUNDINGS = (table, finger, binder_holes, staple)  # each takes the picture, the box and the random generator


def _sheet(shape: Shape, shown: NDArray[np.float64], slack: NDArray[np.float64], random: np.random.Generator) -> Ink:
    """Where the sheet lies: 1; where the table shows: 0. Its edges are a little slanted, by up to `slack` pixels."""
    height, width = shape
    start, end = (np.where(shown > 0, shown + random.uniform(-1, 1, 4) * slack, -2) for _ in range(2))
    left, top, right, bottom = zip(start, end, strict=True)
    corners = [
        (left[0], top[0]),
        (width - right[0], top[1]),
        (width - right[1], height - bottom[1]),
        (left[1], height - bottom[0]),
    ]
    factor = oversampling(max(shape))
    canvas = Image.new("L", (width * factor, height * factor))
    ImageDraw.Draw(canvas).polygon([(float(x) * factor, float(y) * factor) for x, y in corners], fill=255)
    return to_ink(canvas, factor)


def _distance_to_line(shape: Shape, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float32]:
    """The distance of each pixel (height, width) from the line between two points."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    direction = end - start
    along = ((x - start[0]) * direction[0] + (y - start[1]) * direction[1]) / max(float(direction @ direction), 1.0)
    along = np.clip(along, 0, 1)
    across, down = x - start[0] - along * direction[0], y - start[1] - along * direction[1]
    distance: NDArray[np.float64] = np.hypot(across, down)
    return distance.astype(np.float32)
