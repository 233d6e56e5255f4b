"""TIFF, AVIF and HEIC, which only the decoder process reads."""

import io
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.serving.decoder_process import DecoderProcess
from app.serving.request_context import RequestContext
from models.errors import PictureRefused
from models.pictures.decoder_program import ANSWER, LENGTH, READY, REFUSED
from models.pictures.decoding import Decoded, decode
from models.pictures.encoded import examine
from models.pictures.eye import Eye
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture
from tests.limits.pictures import Fields, tiff

EYE = Eye.load()

SEVEN = Image.open(Path(__file__).parents[3] / "docs" / "examples" / "seven.png").convert("L")
HEIC = Path(__file__).with_name("heic")  # of SEVEN, by pillow-heif 1.8.1
COMPRESSIONS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits")
JPEG_TABLES, OTHER_TAG = (struct.pack("<HH", tag, 7) for tag in (347, 345))
FUZZED = 40  # of each picture

Read = Callable[[bytes], Decoded]


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    decoder = DecoderProcess(max_seconds=20)
    yield decoder
    decoder.close()


@pytest.fixture
def read(decoder: DecoderProcess) -> Read:
    def read(content: bytes) -> Decoded:
        examined = examine(content)
        decoded = decoder.decode(content, RequestContext())
        assert sorted(decoded.size) == sorted(examined.size)
        return decoded

    return read


def encode(picture: Image.Image, kind: str = "TIFF", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def levels(decoded: Decoded) -> NDArray[np.int16]:
    return np.asarray(decoded.upright.convert("L"), np.int16)


def coloured() -> Image.Image:
    """SEVEN in dark blue on pale yellow, with some noise."""
    noise = np.random.default_rng(0).integers(0, 20, (SEVEN.height, SEVEN.width, 3))
    ink = (255 - np.asarray(SEVEN, np.int16))[..., None] * [200, 190, 90] // 255
    return Image.fromarray((np.array([230, 220, 180]) - ink + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_tiff_of_each_mode_and_compression_has_the_pixels_of_the_png(read: Read, mode: str, compression: str) -> None:
    picture = coloured().convert(mode)
    found = read(encode(picture, compression=compression))
    expected = decode(open_picture(encode(picture.convert("RGB") if mode == "CMYK" else picture, "PNG")))
    assert (found.upright.mode, found.size) == (expected.upright.mode, expected.size)
    assert found.upright.tobytes() == expected.upright.tobytes()


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_scan_in_black_and_white_is_read(read: Read, compression: str) -> None:
    picture = SEVEN.convert("1", dither=Image.Dither.NONE)
    assert read(encode(picture, compression=compression)).upright.tobytes() == picture.convert("L").tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr"])
def test_tiff_with_jpeg_in_it_is_nearly_the_picture(read: Read, mode: str) -> None:
    found = read(encode(coloured().convert(mode), compression="jpeg", quality=95))
    assert np.abs(levels(found) - np.asarray(coloured().convert("L"), np.int16)).mean() < 4


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize(
    "deep",
    [
        np.asarray(SEVEN, np.uint16) * 257,
        np.asarray(SEVEN, np.uint16) * 16,  # 12 bits
        np.asarray(SEVEN, np.int32) * 2**22,
        np.asarray(SEVEN, np.float32) / 255,
        np.asarray(SEVEN, np.float32) * 1000 - 5,
    ],
    ids=["16 bits", "12 bits", "32 bits", "0 to 1", "float"],
)
def test_deep_grey_keeps_its_levels(read: Read, deep: NDArray[np.int32], compression: str, is_big: bool) -> None:
    found = read(encode(Image.fromarray(deep), compression=compression, big_tiff=is_big))
    assert found.upright.mode == "L"
    assert np.abs(levels(found) - np.asarray(SEVEN, np.int16)).max() <= 2


@pytest.mark.parametrize(("order", "bits"), [("<", 8), (">", 8), ("<", 16), (">", 16), ("<", 32)])
def test_white_may_be_zero_and_bytes_in_either_order(read: Read, order: str, bits: int) -> None:
    raw = (255 - np.asarray(SEVEN).astype(f"{order}u{bits // 8}")) * ((2**bits - 1) // 255)
    fields = grey_fields(*SEVEN.size, raw.nbytes) | {258: (bits,), 262: (0 if bits == 8 else 1,)}
    found = levels(read(tiff(fields, raw.astype(f"{order}u{bits // 8}").tobytes(), order=order)))
    expected = np.asarray(SEVEN, np.int16)
    assert np.abs(found - (expected if bits == 8 else 255 - expected)).max() <= 1


def test_float_without_numbers_or_range_is_read(read: Read) -> None:
    for values in ([[np.nan, np.inf], [-np.inf, 3e38]], [[5, 5], [5, 5]]):
        content = encode(Image.fromarray(np.array(values, np.float32)))
        assert read(content).size == (2, 2)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_picture_is_upright_whatever_its_orientation(read: Read, kind: str, orientation: int, compression: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"compression": compression} if kind == "TIFF" else {"quality": 100}
    expected = decode(open_picture(encode(coloured(), "PNG", exif=exif)))
    found = read(encode(coloured(), kind, exif=exif, **options))  # saving an AVIF takes the orientation out of `exif`
    assert found.size == expected.size
    assert np.abs(levels(found) - levels(expected)).mean() < 2


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("side", [16, 64, 512])
def test_tiles_are_put_together(read: Read, side: int, planes: int) -> None:
    pixels = np.asarray(coloured())
    down, across = (-(-length // side) for length in pixels.shape[:2])
    padded = np.zeros((down * side, across * side, 3), np.uint8)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    tiles = padded.reshape(down, side, across, side, 3).transpose(0, 2, 1, 3, 4)  # (down, across, side, side, 3)
    raw = tiles.tobytes() if planes == 1 else np.moveaxis(tiles, 4, 0).tobytes()
    size = side * side * (3 if planes == 1 else 1)
    count = down * across * (1 if planes == 1 else 3)
    places = {324: tuple(16 + size * number for number in range(count)), 325: (size,) * count}
    fields: Fields = {256: (pixels.shape[1],), 257: (pixels.shape[0],), 258: (8, 8, 8), 259: (1,), 262: (2,)}
    fields |= {277: (3,), 284: (planes,), 322: (side,), 323: (side,)} | places
    assert read(tiff(fields, raw)).upright.tobytes() == pixels.tobytes()


def test_first_page_is_read_and_a_loop_of_pages_is_none(read: Read) -> None:
    other = Image.new("L", (50, 50))
    assert read(encode(SEVEN, save_all=True, append_images=[other])).upright.tobytes() == SEVEN.tobytes()
    raw = SEVEN.tobytes()
    looped = tiff(grey_fields(*SEVEN.size, len(raw)), raw, next_page=16 + len(raw))
    assert read(looped).upright.tobytes() == raw


def test_transparent_and_lab_tiffs_are_read(read: Read) -> None:
    to_lab = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    lab = ImageCms.profileToProfile(coloured(), *to_lab, outputMode="LAB")
    assert lab is not None
    assert np.abs(levels(read(encode(lab))) - np.asarray(coloured().convert("L"), np.int16)).mean() < 3
    ink = Image.new("LA", SEVEN.size)
    ink.putalpha(SEVEN.point(lambda level: 255 - level))
    assert np.abs(levels(read(encode(ink))) - np.asarray(SEVEN, np.int16)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_avif_is_nearly_the_picture(read: Read, mode: str) -> None:
    picture = coloured().convert(mode)
    found = read(encode(picture, "AVIF", quality=95))
    assert np.abs(levels(found) - np.asarray(picture.convert("L"), np.int16)).mean() < 4


def test_first_picture_of_a_sequence_is_read(read: Read) -> None:
    upside_down = coloured().transpose(Image.Transpose.ROTATE_180)
    found = read(encode(coloured(), "AVIF", save_all=True, append_images=[upside_down]))
    assert np.abs(levels(found) - np.asarray(coloured().convert("L"), np.int16)).mean() < 6


@pytest.mark.parametrize("name", sorted(path.name for path in HEIC.iterdir()))
def test_heic_is_nearly_the_picture(read: Read, name: str) -> None:
    found = read((HEIC / name).read_bytes())
    assert found.size == SEVEN.size
    assert np.abs(levels(found) - np.asarray(SEVEN, np.int16)).mean() < 3
    assert np.abs(normalise(found, EYE).image.astype(int) - normalise(SEVEN, EYE).image).mean() < 6


def test_large_photo_is_reduced(read: Read) -> None:
    large = SEVEN.resize((1600, 2000))
    for content in (encode(large, compression="tiff_lzw"), encode(large, "AVIF")):
        found = read(content)
        assert (found.size, max(found.upright.size)) == ((1600, 2000), 1024)


@pytest.mark.parametrize(
    "content",
    [
        encode(SEVEN, compression="tiff_lzw")[:2000],
        encode(SEVEN, compression="tiff_lzw")[:1000] + b"\xff" * 1000 + encode(SEVEN, compression="tiff_lzw")[2000:],
        encode(SEVEN.convert("RGB"), compression="jpeg").replace(JPEG_TABLES, OTHER_TAG),
        encode(SEVEN.convert("RGB"), "AVIF")[:-500],
        (HEIC / "seven.heic").read_bytes()[:-500],
        (HEIC / "seven.heic").read_bytes().replace(b"hvc1", b"jpeg"),
        tiff({256: (300,), 257: (400,), 258: (8,), 262: (1,), 277: (1,)}),
        tiff({256: (300,), 257: (400,), 258: (8,), 262: (99,), 277: (1,), 273: (16,), 279: (1,)}),
    ],
    ids=["cut off", "LZW", "JPEG without tables", "AVIF", "HEIC", "another codec", "no strips", "unknown colours"],
)
def test_damaged_picture_is_refused_in_a_sentence_and_the_process_goes_on(
    decoder: DecoderProcess, read: Read, content: bytes
) -> None:
    read(encode(SEVEN))
    before = decoder.pid
    with pytest.raises(
        PictureRefused, match=r"damaged or cut off|not a PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF or HEIC|how large"
    ):
        read(content)
    assert decoder.pid == before


def test_what_libtiff_says_about_a_damaged_picture_is_in_no_log() -> None:
    whole = encode(SEVEN.convert("RGB"), compression="jpeg")
    damaged = whole[:2000] + b"\xff" * 1000 + whole[3000:].replace(JPEG_TABLES, OTHER_TAG)
    command = [sys.executable, "-m", "models.pictures.decoder_program", "5"]
    sent = LENGTH.pack(len(damaged)) + damaged
    found = subprocess.run(command, input=sent, capture_output=True, timeout=60, check=True)
    assert found.stderr == b""
    assert found.stdout.startswith(READY)
    assert ANSWER.unpack_from(found.stdout, len(READY))[0] == REFUSED


PICTURES = {
    "1, group 4": encode(SEVEN.convert("1"), compression="group4"),
    "grey, LZW": encode(SEVEN, compression="tiff_lzw"),
    "RGB, Deflate": encode(coloured(), compression="tiff_adobe_deflate"),
    "RGB, JPEG": encode(coloured(), compression="jpeg"),
    "palette, PackBits": encode(coloured().convert("P"), compression="packbits"),
    "16 bits, BigTIFF": encode(Image.fromarray(np.asarray(SEVEN, np.uint16) * 257), big_tiff=True),
    "AVIF": encode(coloured(), "AVIF"),
    "sequence": encode(coloured(), "AVIF", save_all=True, append_images=[coloured().rotate(90)]),
    **{path.name: path.read_bytes() for path in sorted(HEIC.iterdir())},
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_damage_does_more_than_have_the_picture_refused(decoder: DecoderProcess, name: str) -> None:
    chance = random.Random(name)
    decoder.decode(PICTURES[name], RequestContext())
    before = decoder.pid
    for _ in range(FUZZED):
        content = damage(PICTURES[name], chance)
        start = time.monotonic()
        try:
            if (examined := examine(content)).opened is None:
                decoder.decode(examined.content, RequestContext())
        except PictureRefused:
            pass
        assert time.monotonic() - start < 5
        assert decoder.pid == before, "the process ended"


def damage(content: bytes, chance: random.Random) -> bytes:
    """The picture cut off, with some bytes changed, in its head more often than not, or with a hole."""
    damaged = bytearray(content)
    kind = chance.choice(("cut", "bytes", "head", "tail", "hole"))
    if kind == "cut":
        return content[: chance.randrange(len(content))]
    if kind == "hole":
        start = chance.randrange(len(content))
        damaged[start : start + chance.randrange(40)] = chance.randbytes(chance.randrange(40))
        return bytes(damaged)
    places = {"bytes": range(len(content)), "head": range(min(len(content), 600)), "tail": range(len(content))[-300:]}
    for _ in range(chance.choice((1, 1, 3, 10))):
        place = chance.choice(places[kind])
        damaged[place] = chance.choice((damaged[place] ^ 1 << chance.randrange(8), 0, 255, chance.randrange(256)))
    return bytes(damaged)


def grey_fields(width: int, height: int, size: int) -> Fields:
    return {256: (width,), 257: (height,), 258: (8,), 259: (1,), 262: (1,), 273: (16,), 277: (1,), 279: (size,)}
