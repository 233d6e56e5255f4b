import struct
import time

import pytest

from models.errors import PictureRefused, PictureTooLarge
from models.pictures.encoded import Effort, examine
from models.pictures.heif_head import ALPHA, MAX_BOXES, read_heif_head
from tests.limits.pictures import box, heif, picture_size, png

TEN_BITS = box(b"pixi", bytes([0, 0, 0, 0, 3, 10, 10, 10]))


@pytest.mark.parametrize("brand", [b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"])
def test_size_of_the_whole_picture_is_read_before_its_tiles_and_thumbnails(brand: bytes) -> None:
    examined = examine(heif(picture_size(512, 512), picture_size(4032, 3024), picture_size(320, 240), brand=brand))
    assert (examined.size, examined.effort, examined.opened) == ((4032, 3024), Effort.LARGE, None)
    assert read_heif_head(png(3, 3)) is None


def test_size_of_a_sequence_is_read_from_its_track() -> None:
    track = box(b"tkhd", bytes(76), struct.pack(">II", 300 << 16, 400 << 16))
    head = read_heif_head(box(b"ftyp", b"avis", bytes(4)) + box(b"moov", box(b"trak", track)))
    assert head is not None
    assert head.size == (300, 400)


@pytest.mark.parametrize(
    ("content", "figure"),
    [
        (heif(picture_size(8001, 8000)), "64,000,000"),
        (heif(picture_size(2**32 - 1, 2**32 - 1)), "64,000,000"),
        (heif(picture_size(70_000, 1)), "65,535"),
        (heif(picture_size(7500, 7500)), "562,500,000 bytes"),
        (heif(picture_size(8064, 6048), TEN_BITS), "975,421,440 bytes"),
        (heif(picture_size(8064, 6048), box(b"auxC", bytes(4), ALPHA[1], b"\0")), "975,421,440 bytes"),
    ],
    ids=["pixels", "huge", "side", "memory", "ten bits", "transparent"],
)
def test_picture_that_takes_too_much_memory_is_refused_with_the_figure(content: bytes, figure: str) -> None:
    with pytest.raises(PictureTooLarge, match=figure):
        examine(content)


def test_photo_of_48_megapixels_is_not_too_large() -> None:
    gain_map = box(b"auxC", bytes(4), b"urn:com:apple:photo:2020:aux:hdrgainmap\0")
    assert examine(heif(picture_size(8064, 6048), gain_map)).pixels == 8064 * 6048


@pytest.mark.parametrize(
    "content",
    [
        heif(),
        heif(picture_size(0, 0)),
        heif(picture_size(300, 400))[:-10],
        heif(box(b"ispe", bytes(3))),
        box(b"ftyp", b"avif") + b"\0" * 1_000_000,
        box(b"ftyp", b"avif") + b"\0\0\0\1free\xff\xff\xff\xff\xff\xff\xff\xff",
        box(b"ftyp", b"avif") + struct.pack(">I4s", 7, b"meta"),
    ],
    ids=["no size", "empty", "cut off", "short", "zeros", "far", "backwards"],
)
def test_head_without_a_size_is_refused(content: bytes) -> None:
    with pytest.raises(PictureRefused, match="how large"):
        examine(content)


@pytest.mark.parametrize(
    "boxes",
    [box(b"free") * 4_000_000, struct.pack(">I4s4x", 0, b"meta") * 2_000_000],
    ids=["side by side", "in one another"],
)
def test_head_of_countless_boxes_is_refused_in_a_moment(boxes: bytes) -> None:
    before = time.process_time()
    with pytest.raises(PictureRefused, match=f"{MAX_BOXES:,} boxes"):
        examine(box(b"ftyp", b"heic") + boxes)
    assert time.process_time() - before < 0.5
