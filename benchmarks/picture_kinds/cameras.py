"""Digits as cameras, scanners, compression and resizing leave them; of every size, turned and tilted."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from models.training.scenes import camera
from models.training.scenes.colours import Picture
from picture_kinds.kinds import Half, Hand, Random, encode, jpeg, kind, pick, png, rgb_image, write_page

ORIENTATION_TAG = 0x0112  # of EXIF
STORED_TURNED = {  # how a picture is stored that each orientation turns upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@kind("out of focus")
def blurred(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    height = page.box[3] - page.box[1]
    return jpeg(camera.blurred(page.picture, random, height * pick(half, random, 0.02, 0.03, 0.04, 0.05)))


@kind("moved while exposing")
def motion(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    height = page.box[3] - page.box[1]
    return jpeg(camera.motion_blurred(page.picture, random, height * pick(half, random, 0.05, 0.07, 0.09, 0.11)))


def _add_fault(name: str, change: Callable[..., Picture], *amounts: float) -> None:
    """Register a kind of page with such a fault of a camera, as strong as one of the half's values."""

    @kind(name)
    def draw(hand: Hand, random: Random, half: Half) -> bytes:
        return png(change(write_page(hand, random, half).picture, random, pick(half, random, *amounts)))


_add_fault("sensor noise", camera.noisy, 0.05, 0.07, 0.1, 0.13)


_add_fault("salt and pepper", camera.salt_and_pepper, 0.005, 0.01, 0.02, 0.03)


_add_fault("low contrast", camera.low_contrast, 0.12, 0.18, 0.25, 0.35)


@kind("JPEG of quality 8")
def jpeg_8(hand: Hand, random: Random, half: Half) -> bytes:
    return jpeg(write_page(hand, random, half).picture, quality=8)


@kind("posterised")
def posterised(hand: Hand, random: Random, half: Half) -> bytes:
    return png(camera.posterised(write_page(hand, random, half).picture, random, pick(half, random, 3, 4, 5, 6)))


@kind("fax: one bit")
def fax(hand: Hand, random: Random, half: Half) -> bytes:
    picture = camera.noisy(write_page(hand, random, half).picture, random, 0.06)
    return png(camera.one_bit(picture, random, pick(half, random, 0.5, 0.55, 0.6, 0.65)))


@kind("dark or pale exposure")
def exposure(hand: Hand, random: Random, half: Half) -> bytes:
    picture = camera.gamma(write_page(hand, random, half).picture, random, pick(half, random, 0.4, 0.5, 2.0, 2.5))
    return jpeg(camera.colour_cast(picture, random, pick(half, random, 0.2, 0.3, 0.4)))


@kind("reduced and enlarged again")
def coarse(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    height = page.box[3] - page.box[1]
    return png(camera.coarse(page.picture, random, max(1.2, height / pick(half, random, 16, 18, 22, 26))))


@kind("turned by up to 20 degrees")
def turned(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    angle = pick(half, random, -20.0, -16.0, -10.0, 10.0, 15.0, 20.0)
    return jpeg(camera.warped(page.picture, [], random, angle, 0.0)[0])


@kind("seen at an angle")
def perspective(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    return jpeg(camera.warped(page.picture, [], random, 0.0, pick(half, random, 0.08, 0.1, 0.12, 0.14))[0])


@kind("turned by EXIF")
def exif(hand: Hand, random: Random, half: Half) -> bytes:
    orientation = pick(half, random, 3, 6, 8, 5, 2, 4, 6, 7)
    image = rgb_image(write_page(hand, random, half).picture).transpose(STORED_TURNED[orientation])
    tags = Image.Exif()
    tags[ORIENTATION_TAG] = orientation
    return encode(image, "JPEG", quality=88, exif=tags)


@kind("whole picture of 8 to 14 pixels")
def tiny(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, side=112, share=0.9)
    return png(_reduced(page.picture, pick(half, random, 8, 9, 10, 12, 14)))


@kind("whole picture of 16 to 40 pixels")
def small(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half, side=160, share=pick(half, random, 0.6, 0.65, 0.7, 0.75))
    return png(_reduced(page.picture, pick(half, random, 16, 20, 24, 32, 36, 40)))


@kind("whole picture of 2000 to 6000 pixels")
def huge(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 2000, 2500, 3000, 4000, 6000)
    image = rgb_image(write_page(hand, random, half, side=800, share=pick(half, random, 0.2, 0.3, 0.4, 0.5)).picture)
    return encode(image.resize((side, side), Image.Resampling.BILINEAR), "JPEG", quality=80)


@kind("a tenth of a page")
def tenth(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 400, 600, 800, 1000, 1200)
    return jpeg(write_page(hand, random, half, side=side, share=pick(half, random, 0.08, 0.1, 0.12)).picture)


@kind("digit near the edge or a corner")
def near_edge(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(hand, random, half)
    left, top, right, bottom = page.box
    gap = max(1, round((bottom - top) * pick(half, random, 0.03, 0.06, 0.1, 0.15)))
    cut_x, cut_y = max(0, left - gap), max(0, top - gap) if random.random() < 0.5 else 0
    picture = page.picture[cut_y:, cut_x:]
    return png(picture if random.random() < 0.5 else page.picture[: bottom + gap, : right + gap])


@kind("narrow strip or wide strip")
def strip(hand: Hand, random: Random, half: Half) -> bytes:
    page = write_page(
        hand, random, half, side=pick(half, random, 240, 320, 400), share=pick(half, random, 0.3, 0.35, 0.4)
    )
    left, top, right, bottom = page.box
    gap = round((bottom - top) * pick(half, random, 0.15, 0.25, 0.4))
    rows, columns = slice(max(0, top - gap), bottom + gap), slice(max(0, left - gap), right + gap)
    return jpeg(page.picture[rows] if random.random() < 0.5 else page.picture[:, columns])


def _reduced(picture: Picture, side: int) -> Picture:
    height, width, _ = picture.shape
    return np.ascontiguousarray(camera.rescaled(picture, (side, max(1, round(side * width / height)))))
