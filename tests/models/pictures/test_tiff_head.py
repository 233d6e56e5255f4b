import time

import pytest

from models.errors import PictureRefused, PictureTooLarge
from models.pictures.encoded import Effort, examine
from models.pictures.tiff_head import read_tiff_head
from tests.limits.pictures import Fields, grey_tiff, png, tiff

GREY: Fields = {256: (300,), 257: (400,), 258: (8,), 262: (1,), 277: (1,)}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
def test_size_is_read_from_every_kind_of_directory(order: str, is_big: bool) -> None:
    head = read_tiff_head(tiff(GREY, b"pixels", order=order, is_big=is_big))
    assert head is not None
    assert head.size == (300, 400)


def test_no_tiff_is_opened_outside_the_decoder_process() -> None:
    examined = examine(tiff(GREY))
    assert (examined.size, examined.effort, examined.opened) == ((300, 400), Effort.LARGE, None)
    assert read_tiff_head(png(3, 3)) is None


@pytest.mark.parametrize(
    ("content", "figure"),
    [
        (grey_tiff(8001, 8000), "64,000,000"),
        (grey_tiff(2**32 - 1, 2**32 - 1), "64,000,000"),
        (grey_tiff(1, 70_000), "65,535"),
        (tiff(GREY | {256: (8000,), 257: (8000,), 258: (8,) * 4, 277: (4,)}), "960,000,000 bytes"),
        (tiff(GREY | {256: (8000,), 257: (8000,), 262: (3,)}), "768,000,000 bytes"),
        (tiff(GREY | {322: (65_536,), 323: (65_536,)}), "4,295,207,296 bytes"),
        (tiff(GREY | {322: (2**32 - 1,), 323: (2**32 - 1,)}), "bytes of memory"),
        (tiff(GREY | {262: (6,), 258: (8, 8, 8), 277: (3,), 322: (16_384,), 323: (16_384,)}), "1,074,461,824 bytes"),
    ],
    ids=["pixels", "huge", "side", "four samples", "palette", "tile", "huge tile", "tile of YCbCr"],
)
def test_tiff_that_takes_too_much_memory_is_refused_with_the_figure(content: bytes, figure: str) -> None:
    with pytest.raises(PictureTooLarge, match=figure):
        examine(content)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({256: (300,)}, "how large"),
        (GREY | {257: (0,)}, "no pixels"),
        (GREY | {259: (50_000,)}, r"\(50000\). Save it with LZW"),
        (GREY | {259: (34_925,)}, r"\(34925\). Save it with LZW"),
        (GREY | {259: (6,)}, r"\(6\). Save it with LZW"),
        (GREY | {277: (2**32 - 1,)}, "samples"),
        (GREY | {258: (8, 8, 8, 1_000)}, "1000 bits"),
        (dict.fromkeys(range(1_000, 2_001), (0,)), "1,001 fields"),
        (dict.fromkeys(range(300, 65_000), (0,)), "64,700 fields"),
    ],
    ids=["no height", "empty", "zstd", "lzma", "old jpeg", "samples", "bits", "fields", "many fields"],
)
def test_tiff_that_cannot_be_read_says_why(fields: Fields, sentence: str) -> None:
    content = tiff(fields)
    before = time.process_time()
    with pytest.raises(PictureRefused, match=sentence):
        examine(content)
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize("is_big", [False, True])
def test_head_that_is_cut_off_or_points_past_the_end_is_refused(is_big: bool) -> None:
    whole = tiff(GREY | {258: (8, 8, 8), 277: (3,)}, is_big=is_big)
    for length in range(4, len(whole) - 12):
        with pytest.raises(PictureRefused):
            examine(whole[:length])
    for offset in (len(whole), 2**31, 2**32 - 1):
        content = bytearray(whole)
        content[8 if is_big else 4 :][:4] = b""
        at = 8 if is_big else 4
        content[at : at + 4] = offset.to_bytes(4, "little")
        with pytest.raises(PictureRefused):
            examine(bytes(content))
