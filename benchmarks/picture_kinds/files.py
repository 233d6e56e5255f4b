"""Digits in every format, depth, palette and transparency that is accepted."""

import io

import numpy as np
from PIL import Image

from models.training.scenes.images import to_bytes
from picture_kinds.kinds import Half, Hand, Random, encode, kind, pick, place, rgb_image, write_page


@kind("PNG of every depth")
def png_depths(hand: Hand, random: Random, half: Half) -> bytes:
    image = rgb_image(write_page(hand, random, half).picture)
    depth = pick(half, random, "1", "L", "LA", "P", "RGBA", "I;16", "4-bit palette", "2-bit palette")
    if depth == "I;16":
        return encode(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257))
    if depth.endswith("palette"):
        return encode(_quantised(image, 4 if depth[0] == "2" else 16), bits=int(depth[0]))
    return encode(_quantised(image, 64) if depth == "P" else image.convert(depth))


@kind("ink on a transparent ground")
def transparent(hand: Hand, random: Random, half: Half) -> bytes:
    side = pick(half, random, 96, 128, 200, 280)
    ink, _ = place(hand.write(round(side * pick(half, random, 0.4, 0.5, 0.6, 0.7)), random), (side, side), random)
    level = pick(half, random, 0, 40, 255, 230)
    grey = np.full((side, side), level, np.uint8)
    if pick(half, random, "LA", "RGBA", "RGBA", "LA") == "LA":
        return encode(Image.merge("LA", [Image.fromarray(plane) for plane in (grey, to_bytes(ink))]))
    return encode(Image.merge("RGBA", [Image.fromarray(plane) for plane in (grey, grey, grey, to_bytes(ink))]))


@kind("half transparent ground")
def half_transparent(hand: Hand, random: Random, half: Half) -> bytes:
    image = rgb_image(write_page(hand, random, half).picture).convert("RGBA")
    image.putalpha(pick(half, random, 90, 120, 160, 200))
    return encode(image)


@kind("JPEG: grey, CMYK, progressive")
def jpegs(hand: Hand, random: Random, half: Half) -> bytes:
    image = rgb_image(write_page(hand, random, half).picture)
    mode = pick(half, random, "L", "CMYK", "CMYK", "RGB", "YCbCr", "L")
    quality = pick(half, random, 60, 75, 95)
    return encode(image.convert(mode), "JPEG", quality=quality, progressive=random.random() < 0.5)


@kind("WebP: lossy, lossless, transparent")
def webp(hand: Hand, random: Random, half: Half) -> bytes:
    image = rgb_image(write_page(hand, random, half).picture)
    if random.random() < 0.3:
        image = image.convert("RGBA")
    return encode(image, "WEBP", quality=pick(half, random, 20, 40, 60, 80), lossless=random.random() < 0.3)


@kind("BMP of every depth")
def bmp(hand: Hand, random: Random, half: Half) -> bytes:
    image = rgb_image(write_page(hand, random, half).picture)
    mode = pick(half, random, "1", "L", "RGB", "P", "RGBA", "RGB")
    return encode(_quantised(image, 32) if mode == "P" else image.convert(mode), "BMP")


@kind("GIF, also moving")
def gif(hand: Hand, random: Random, half: Half) -> bytes:
    image = _quantised(rgb_image(write_page(hand, random, half).picture), pick(half, random, 4, 16, 64, 256))
    if random.random() < 0.5:
        return encode(image, "GIF")
    file = io.BytesIO()
    image.save(file, "GIF", save_all=True, append_images=[Image.new("P", image.size)], duration=100)
    return file.getvalue()


@kind("PNG in which one colour is transparent")
def colour_key(hand: Hand, random: Random, half: Half) -> bytes:
    picture = rgb_image(write_page(hand, random, half).picture).convert("L")
    dark = pick(half, random, 0, 20, 40)
    two = picture.point([dark] * 128 + [255] * 128).quantize(2)
    lightest = int(np.argmax(np.asarray(two.getpalette(), np.int64)[:6].reshape(2, 3).sum(axis=1)))
    return encode(two, transparency=lightest)


def _quantised(image: Image.Image, colours: int) -> Image.Image:
    """The picture with a palette that keeps the ink's colour, however little of it there is."""
    return image.quantize(colours, Image.Quantize.MAXCOVERAGE)
