"""What a kind of picture is, and what all kinds are made with.

A kind is a function that draws one picture of a digit by a given hand. Its settings are lists of values: development
takes the first, third, ... of each list, judging the second, fourth, ...
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from models.pictures.boxes import Box
from models.training.scenes.colours import Colour, Ink, Picture, paint
from models.training.scenes.drawing import lay
from models.training.scenes.grounds import Shape, paper
from models.training.scenes.images import to_bytes
from models.training.scenes.pens import LINE_STYLES, mnist_digit, outline_digit

Half = Literal["develop", "judge"]
Random = np.random.Generator
Value = TypeVar("Value")
LOOPS = {0: 1, 6: 1, 8: 2, 9: 1}  # how many a digit has


@dataclass(frozen=True)
class Hand:
    """Who writes the digit: a writer of MNIST, whose digit is uint8 (28, 28), or our own pen if `image` is None."""

    label: int
    image: NDArray[np.uint8] | None

    def write(self, height: int, random: Random, style: str = "pen", broadening: float = 0.0) -> Ink:
        """The digit as ink coverage (height, width), cropped to the ink."""
        if self.image is None or (style in LINE_STYLES and not self.is_traceable):
            return outline_digit(self.label, height, random, style)
        return mnist_digit(self.image, height, random, style, broadening)

    @property
    def is_traceable(self) -> bool:
        """Whether all loops of the writer's digit are open, so that its middle lines can still be read."""
        if self.image is None:
            return False
        grounds = [np.pad(self.image < level, 1, constant_values=True) for level in (102, 128, 153, 179, 204)]
        return max(int(ndimage.label(ground)[1]) for ground in grounds) > LOOPS.get(self.label, 0)


Draw = Callable[[Hand, Random, Half], bytes]


@dataclass(frozen=True)
class Kind:
    """A named kind of picture; `reasons` are those with which a picture of no digit may be rejected."""

    name: str
    draw: Draw
    reasons: tuple[str, ...] = ()
    is_mnist: bool = False  # shows a digit of MNIST itself; the others may be drawn by our own pen


KINDS: list[Kind] = []


def kind(name: str, *, reasons: tuple[str, ...] = (), is_mnist: bool = False) -> Callable[[Draw], Draw]:
    """Registers the decorated function as a kind."""

    def register(draw: Draw) -> Draw:
        KINDS.append(Kind(name, draw, reasons, is_mnist))
        return draw

    return register


def pick(half: Half, random: Random, *values: Value) -> Value:
    """One of the half's values: every other one."""
    own = values[0 if half == "develop" else 1 :: 2]
    return own[int(random.integers(len(own)))]


@dataclass
class Page:
    """A picture with one digit, whose `box` is in pixels, written in `colour`."""

    picture: Picture
    box: Box
    colour: Colour

    @property
    def shape(self) -> Shape:
        return self.picture.shape[0], self.picture.shape[1]

    def add(self, ink: Ink, colour: Colour | None = None) -> "Page":
        """Draws more ink, in the digit's colour if none is given."""
        return Page(paint(self.picture, ink, self.colour if colour is None else colour), self.box, self.colour)


BLACK, WHITE = np.zeros(3, np.float32), np.ones(3, np.float32)
PAPERS = ("#ffffff", "#fdfcf8", "#f4f1e6", "#eef2f5", "#e8e4da", "#dcdcdc", "#f8f0c8", "#d8e4ee")
INKS = ("#101010", "#1a1a24", "#1c2c80", "#20307a", "#8c1c20", "#a02430", "#1c5c34", "#30343c")
SIDES = (96, 112, 128, 160, 200, 240, 300, 320, 400, 480)  # pixels
SHARES = (0.35, 0.4, 0.45, 0.5, 0.6, 0.65)  # of the picture's height


def write_page(
    hand: Hand,
    random: Random,
    half: Half,
    *,
    style: str = "pen",
    side: int | None = None,
    share: float | None = None,
    ground: Picture | None = None,
    ink: Colour | None = None,
    broadening: float = 0.0,
) -> Page:
    """A digit about in the middle of a page of paper, or of the ground that is given."""
    size = (pick(half, random, *SIDES) if side is None else side) if ground is None else ground.shape[0]
    height = max(5, round(size * (pick(half, random, *SHARES) if share is None else share)))
    glyph = hand.write(height, random, style, broadening)
    width = max(size, glyph.shape[1] + 8) if ground is None else ground.shape[1]
    sheet = paper((size, width), random, colour_of(pick(half, random, *PAPERS))) if ground is None else ground
    written, box = place(glyph, (size, width), random)
    colour = colour_of(pick(half, random, *INKS)) if ink is None else ink
    return Page(paint(sheet, written, colour), box, colour)


def place(glyph: Ink, shape: Shape, random: Random, drift: float = 0.5) -> tuple[Ink, Box]:
    """The glyph somewhere near the middle of a picture, and its box; `drift` 1 may bring it to the edge."""
    height, width = glyph.shape
    room_x, room_y = (shape[1] - width) / 2, (shape[0] - height) / 2
    left = round(room_x + drift * random.uniform(-1, 1) * max(room_x, 0))
    top = round(room_y + drift * random.uniform(-1, 1) * max(room_y, 0))
    ink = np.zeros(shape, np.float32)
    lay(ink, glyph, left, top)
    return ink, (left, top, left + width, top + height)


def colour_of(text: str) -> Colour:
    """The colour of "#rrggbb"."""
    return np.array([int(text[start : start + 2], 16) for start in (1, 3, 5)], np.float32) / np.float32(255)


def grey_image(ink: Ink, is_light_on_dark: bool) -> Image.Image:
    """Ink as a picture in mode L."""
    return Image.fromarray(to_bytes(ink if is_light_on_dark else 1 - ink))


def rgb_image(picture: Picture) -> Image.Image:
    return Image.fromarray(to_bytes(picture))


def encode(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png(picture: Picture) -> bytes:
    return encode(rgb_image(picture), compress_level=1)


def jpeg(picture: Picture, quality: int = 88) -> bytes:
    return encode(rgb_image(picture), "JPEG", quality=quality)
