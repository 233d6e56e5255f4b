import io
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureRefused, PictureTooLarge
from models.pictures.encoded import MAX_SCANS, Effort, examine, has_many_scans, require_few_scans
from models.pictures.opening import open_picture
from tests.limits.pictures import WEBP_OF_34_BYTES, chunk, comment, jpeg, palette, png, run_length_bmp


def encode(width: int, height: int, kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), 200).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "effort"),
    [
        (encode(320, 400, "PNG"), Effort.SMALL),
        (encode(320, 400, "JPEG", progressive=True), Effort.SMALL),
        (encode(320, 400, "WEBP"), Effort.SMALL),
        (encode(1600, 1200, "PNG"), Effort.MEDIUM),
        (encode(1600, 1200, "JPEG", progressive=True), Effort.MEDIUM),
        (encode(4000, 3000, "JPEG"), Effort.MEDIUM),  # at half its size
        (encode(4000, 3000, "PNG"), Effort.LARGE),
        (encode(4000, 3000, "JPEG", progressive=True), Effort.LARGE),
        (encode(6000, 4000, "JPEG"), Effort.LARGE),
        (jpeg(17, side=320), Effort.LARGE),
        (run_length_bmp(20_000, 320), Effort.LARGE),
        (run_length_bmp(2_000, 28), Effort.SMALL),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value.name,
)
def test_effort_is_known_before_anything_is_decoded(content: bytes, effort: Effort) -> None:
    assert examine(content).effort is effort


@pytest.mark.parametrize(
    ("content", "figure"),
    [
        (WEBP_OF_34_BYTES, "1,279,840,000"),
        (palette(8000, 8000), "704,000,000"),
        (png(1, 70_000), "65,535"),
        (encode(70_000, 1, "PNG", "1"), "65,535"),
        (png(8001, 8000), "64,000,000"),
        (jpeg(0, side=8001), "64,000,000"),
    ],
    ids=["webp", "palette", "tall", "wide", "png", "jpeg"],
)
def test_picture_that_takes_too_much_memory_is_refused_with_the_figure(content: bytes, figure: str) -> None:
    before = time.process_time()
    with pytest.raises(PictureTooLarge, match=figure):
        examine(content)
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff" * 10_000_000,
        b"\xff\xd8\xff\xfe\0\2" + b"\0" * 10_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 2_000_000,
        png(300, 400, chunks=chunk(b"abCd", b"") * 400_000),
        b"GIF89a" + bytes([1, 0, 1, 0, 0, 0, 0]) + b"\x21\xfe\1a\0" * 2_000_000,
    ],
    ids=["fill bytes", "junk", "segments", "chunks", "comments"],
)
def test_head_of_countless_parts_is_refused_in_a_moment(content: bytes) -> None:
    before = time.process_time()
    with pytest.raises(PictureRefused, match="small parts"):
        examine(content)
    assert time.process_time() - before < 0.5  # 0.05 on a quiet machine; 3.6 without a bound


def test_parts_behind_the_pixels_count_too() -> None:
    picture = png(300, 400)
    opened = open_picture(picture[:-12] + chunk(b"abCd", b"") * 400_000 + picture[-12:])
    with pytest.raises(PictureRefused, match="small parts"):
        opened.load()


def test_text_that_unpacks_to_megabytes_is_refused() -> None:
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20 - 1), 9))
    with pytest.raises(PictureRefused):
        examine(png(28, 28, chunks=text * 10))


def test_scans_are_counted_by_markers_and_not_by_what_looks_like_them() -> None:
    film = np.random.default_rng(0).bytes(4) + b"\xff\xda" * 500
    preview = b"\xff\xd8" + comment(60_000)
    assert not has_many_scans(jpeg(10, side=64) + film)
    assert not has_many_scans(preview + jpeg(10, side=64)[2:])
    assert has_many_scans(jpeg(MAX_SCANS + 1, side=64))
    assert has_many_scans(jpeg(MAX_SCANS + 1, side=64, between=comment(400)))
    assert not has_many_scans(jpeg(MAX_SCANS - 1, side=64, between=comment(400)))


def test_jpeg_of_many_scans_is_refused() -> None:
    for content in (jpeg(5000), jpeg(5000, side=320)):
        with pytest.raises(PictureRefused, match="100 scans"):
            require_few_scans(open_picture(content), content)
    photo = encode(4000, 3000, "JPEG") + b"\xff\xda" * 500
    require_few_scans(open_picture(photo), photo)
