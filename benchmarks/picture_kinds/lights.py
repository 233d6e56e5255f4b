"""Digits under uneven light, on coloured and textured grounds."""

from collections.abc import Callable

import numpy as np

from models.training.scenes import grounds, light
from models.training.scenes.colours import (
    Colour,
    Picture,
    dark_colour,
    equal_luminance_colours,
    ink_colour,
    light_colour,
    paint,
)
from models.training.scenes.drawing import middle_of
from picture_kinds.kinds import WHITE, Half, Hand, Random, colour_of, jpeg, kind, pick, png, write_page

BOARDS = ("#10261c", "#1c1c1c", "#202838", "#000000", "#2a1a14", "#143c2c")
CHALKS = ("#f4f4f4", "#e8e8d8", "#f0e070", "#f0b0c0", "#a0d0f0", "#ffffff")


def _add_light(name: str, make: Callable[..., light.Light], *strengths: float) -> None:
    """Register a kind of page under such a light, as strong as one of the half's values."""

    @kind(name)
    def draw(hand: Hand, random: Random, half: Half) -> bytes:
        page = write_page(hand, random, half)
        return jpeg(light.lit(page.picture, make(page.shape, random, pick(half, random, *strengths))))


_add_light("soft shadow", light.soft_shadow, 0.3, 0.4, 0.5, 0.6)


@kind("hard edge of a shadow across the digit")
def hard_shadow(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    x, y = middle_of(page.box) / page.shape[::-1] + random.uniform(-0.08, 0.08, 2)
    strength = pick(half, random, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8)
    return jpeg(light.lit(page.picture, light.hard_shadow(page.shape, random, strength, (float(x), float(y)))))


_add_light("shadow of a phone or a hand", light.polygon_shadow, 0.4, 0.5, 0.6, 0.7)


_add_light("vignette", light.vignette, 0.3, 0.45, 0.6, 0.75)


@kind("glare")
def glare(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    dim = page.picture * np.float32(pick(half, random, 0.6, 0.7, 0.8))
    return jpeg(light.lit(dim, light.glare(page.shape, random, pick(half, random, 0.3, 0.5, 0.7, 0.9))))


_add_light("light from one side", light.gradient_light, 0.4, 0.5, 0.6, 0.7)


@kind("gradient ground")
def gradient_ground(hand: Hand, random: Random, half: Half) -> bytes:
    one, other = (light_colour(random) for _ in range(2))
    return _on(hand, grounds.gradient(_shape(random, half), random, one, other), random, half)


@kind("wood, cloth or stone")
def textured(hand: Hand, random: Random, half: Half) -> bytes:
    make = (grounds.wood, grounds.cloth, grounds.marbled)[int(random.integers(3))]
    return _on(hand, make(_shape(random, half), random), random, half)


@kind("creased sheet")
def creased(hand: Hand, random: Random, half: Half) -> bytes:
    return _on(hand, grounds.creased(grounds.paper(_shape(random, half), random), random), random, half)


@kind("screenshot of a program")
def screenshot(hand: Hand, random: Random, half: Half) -> bytes:
    picture = grounds.screenshot(_shape(random, half), random)
    page = write_page(
        hand, random, half, ground=picture, share=pick(half, random, 0.35, 0.4, 0.45, 0.5), ink=_ink(picture, random)
    )
    return png(page.picture)


@kind("any colour on any colour")
def any_colours(hand: Hand, random: Random, half: Half) -> bytes:
    pick_ground = (light_colour, dark_colour)[int(random.integers(2))]
    return _on(hand, grounds.plain(_shape(random, half), pick_ground(random)), random, half)


@kind("colours of equal luminance")
def equal_luminance(hand: Hand, random: Random, half: Half) -> bytes:
    ground, ink = equal_luminance_colours(random)
    page = write_page(hand, random, half, ground=grounds.plain(_shape(random, half), ground), ink=ink, broadening=0.01)
    return png(page.picture)


@kind("light ink on a dark board")
def on_board(hand: Hand, random: Random, half: Half) -> bytes:
    board = grounds.paper(_shape(random, half), random, colour_of(pick(half, random, *BOARDS)))
    page = write_page(hand, random, half, ground=board, ink=colour_of(pick(half, random, *CHALKS)))
    return jpeg(page.picture)


@kind("lamp on a screen")
def on_screen(hand: Hand, random: Random, half: Half) -> bytes:
    """A photo of a screen: stripes of its rows, a cast and a reflection."""
    page = write_page(hand, random, half, ground=grounds.plain(_shape(random, half), WHITE * np.float32(0.8)))
    rows = grounds.line_pattern(page.shape, pick(half, random, 3.0, 3.5, 4.0, 5.0), 1.2, np.pi / 2, random)
    picture = paint(page.picture, 0.25 * rows, np.zeros(3, np.float32)) * np.array([0.9, 0.97, 1.0], np.float32)
    return jpeg(light.lit(picture, light.glare(page.shape, random, pick(half, random, 0.1, 0.2, 0.3))))


def _shape(random: Random, half: Half) -> tuple[int, int]:
    height = pick(half, random, 112, 128, 160, 200, 240, 320)
    return height, round(height * pick(half, random, 0.8, 0.9, 1.0, 1.2, 1.4))


def _on(hand: Hand, picture: Picture, random: Random, half: Half) -> bytes:
    return jpeg(write_page(hand, random, half, ground=picture, ink=_ink(picture, random), broadening=0.005).picture)


def _ink(picture: Picture, random: Random) -> Colour:
    """A colour that is well seen on the middle of the picture."""
    height, width, _ = picture.shape
    middle = picture[height // 4 : -height // 4, width // 4 : -width // 4]
    return ink_colour(middle.mean(axis=(0, 1)), 0.4, random)
