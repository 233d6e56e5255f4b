"""What it takes to decode a picture, known from its head alone: where it can be decoded, and whether at all.

Pillow opens a picture without decoding it. What follows may be short, long, or as long as its sender likes: a
progressive JPEG has scans without end, a run-length-encoded BMP is decoded in Python. TIFF, AVIF and HEIC are never
opened here: what decodes them has no bound in time that could be shown.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from PIL import Image

from models.errors import PictureRefused, PictureTooLarge
from models.pictures.decoding import MAX_SIDE
from models.pictures.heif_head import read_heif_head
from models.pictures.opening import Size, open_picture, require_size
from models.pictures.tiff_head import read_tiff_head

MAX_DECODING_BYTES = 512 * 2**20  # memory that decoding may take: 413
MAX_SCANS = 100  # of a JPEG: 422; cameras and optimisers write 1 to 12

MAX_SMALL_PIXELS, MAX_SMALL_BYTES = 2**19, 2**19  # decoded in 10 ms at most
MAX_MEDIUM_PIXELS, MAX_MEDIUM_BYTES = 4 * 2**20, 2 * 2**20  # in 100 ms, and 80 MB
MAX_MEDIUM_JPEG_PIXELS, MAX_MEDIUM_JPEG_BYTES = 16 * 2**20, 8 * 2**20  # of one scan: it is decoded at a fraction
MAX_BRIEF_SCANS = 16  # of a small or medium picture
MAX_BRIEF_RUNS_BYTES = 16_384  # of a BMP that is run-length encoded: 5 ms
MAX_BRIEF_CODES_BYTES = 4096  # of a lossless WebP: each 3 bytes may make a table of 12 KB

JPEG = ("JPEG", "MPO")
RUN_LENGTH_ENCODINGS = (1, 2)  # of BMP
START_OF_SCAN = b"\xff\xda"
JPEG_FRACTIONS = (1, 2, 4, 8)  # of its size, at which a JPEG can be decoded
# What decoding takes for a pixel at its peak, as measured: transparent pictures and palettes are converted twice.
BYTES_A_PIXEL = {"1": 2, "L": 1, "RGB": 5, "I;16": 10, "I;16B": 10, "I": 24, "F": 24}
OTHER_BYTES_A_PIXEL = 11
JPEG_BYTES_A_PIXEL = 5
WEBP_BYTES_A_PIXEL = 20  # two canvases, the decoder's own pixels, a copy, and the picture


class Effort(IntEnum):
    """How much decoding a picture takes at most."""

    SMALL = 1
    MEDIUM = 2
    LARGE = 3  # or without a bound in time that could be shown


class EncodedPicture(NamedTuple):
    """A picture of which nothing is decoded yet."""

    content: bytes
    size: Size
    effort: Effort
    opened: Image.Image | None  # None where opening it takes memory already

    @property
    def pixels(self) -> int:
        return _pixels(self.size)

    def open(self) -> Image.Image:
        return self.opened or open_picture(self.content)


def examine(content: bytes) -> EncodedPicture:
    """Open a picture without decoding it.

    Raises PictureRefused where the bytes are no picture, PictureTooLarge past 64 megapixels, a side of 65,535 pixels or
    the memory that decoding may take.
    """
    if (size := _webp_size(content)) is not None:
        _require_moderate(size, WEBP_BYTES_A_PIXEL * _pixels(size))
        effort = _webp_effort(content, size)
        return EncodedPicture(content, size, effort, None if effort is Effort.LARGE else open_picture(content))
    if (head := read_tiff_head(content) or read_heif_head(content)) is not None:
        _require_moderate(*head)
        return EncodedPicture(content, head.size, Effort.LARGE, None)
    picture = open_picture(content)
    _require_memory(picture.size, _memory_bytes(picture, content))
    return EncodedPicture(content, picture.size, _effort(picture, content), picture)


def require_few_scans(picture: Image.Image, content: bytes) -> None:
    """Raise PictureRefused for a JPEG of too many scans."""
    if picture.format in JPEG and not _has_one_scan(picture, content) and has_many_scans(content):
        raise PictureRefused(f"The JPEG has more than {MAX_SCANS} scans. Save it again, with fewer.")


def has_many_scans(content: bytes) -> bool:
    """Whether a JPEG has more than MAX_SCANS scans, by its markers; what follows its end is no part of it.

    Two bytes that look like the start of a scan may stand in a preview, or in a film behind the picture.
    """
    if content.count(START_OF_SCAN) <= MAX_SCANS:
        return False
    scans, position = 0, 2
    while scans <= MAX_SCANS and (position := content.find(b"\xff", position)) >= 0:
        marker = content[position + 1 : position + 2]
        if marker == b"\xd9":
            return False
        if marker in (b"", b"\0", b"\xff") or b"\xd0" <= marker <= b"\xd8":  # within a scan, or without a length
            position += 1 if marker == b"\xff" else 2
            continue
        scans += marker == START_OF_SCAN[1:]
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return scans > MAX_SCANS


def _effort(picture: Image.Image, content: bytes) -> Effort:
    if picture.format in JPEG:
        return _jpeg_effort(picture, content)
    has_runs = picture.format == "BMP" and picture.info.get("compression") in RUN_LENGTH_ENCODINGS
    if has_runs and len(content) > MAX_BRIEF_RUNS_BYTES:
        return Effort.LARGE
    return _effort_by_size(picture.size, content)


def _jpeg_effort(picture: Image.Image, content: bytes) -> Effort:
    effort = _effort_by_size(picture.size, content)
    if _has_one_scan(picture, content):
        is_medium = _pixels(picture.size) <= MAX_MEDIUM_JPEG_PIXELS and len(content) <= MAX_MEDIUM_JPEG_BYTES
        return Effort.MEDIUM if effort is Effort.LARGE and is_medium else effort
    is_brief = effort is not Effort.LARGE and content.count(START_OF_SCAN) <= MAX_BRIEF_SCANS
    return effort if is_brief else Effort.LARGE


def _has_one_scan(picture: Image.Image, content: bytes) -> bool:
    """Whether a JPEG that was just opened is sequential and has all its channels in the first scan.

    libjpeg decodes no second one then (has_multiple_scans in its jdinput.c).
    """
    file = getattr(picture, "fp", None)
    channels = len(getattr(picture, "layer", ()))
    if file is None or not channels or "progressive" in picture.info:
        return False
    head = START_OF_SCAN + struct.pack(">HB", 6 + 2 * channels, channels)  # and 3 + 2 * channels bytes more
    start = file.tell() - 8 - 2 * channels
    return content[start : start + len(head)] == head


def _webp_effort(content: bytes, size: Size) -> Effort:
    is_lossy = content[12:16] == b"VP8 "
    return _effort_by_size(size, content) if is_lossy or len(content) <= MAX_BRIEF_CODES_BYTES else Effort.LARGE


def _effort_by_size(size: Size, content: bytes) -> Effort:
    pixels = _pixels(size)
    if pixels <= MAX_SMALL_PIXELS and len(content) <= MAX_SMALL_BYTES:
        return Effort.SMALL
    return Effort.MEDIUM if pixels <= MAX_MEDIUM_PIXELS and len(content) <= MAX_MEDIUM_BYTES else Effort.LARGE


def _memory_bytes(picture: Image.Image, content: bytes) -> int:
    """The memory that decoding takes at most."""
    pixels = _pixels(picture.size)
    if picture.format not in JPEG:
        return pixels * BYTES_A_PIXEL.get(picture.mode, OTHER_BYTES_A_PIXEL)
    fraction = max((each for each in JPEG_FRACTIONS if each <= min(picture.size) // MAX_SIDE), default=1)
    decoded = pixels * JPEG_BYTES_A_PIXEL // fraction**2
    if _has_one_scan(picture, content):
        return decoded
    layers: list[int] = [across * down for _, across, down, _ in getattr(picture, "layer", ())]
    return decoded + 2 * pixels * sum(layers) // max(layers, default=1)  # all coefficients, of 2 bytes each


def _require_moderate(size: Size, needed: int) -> None:
    require_size(size)
    _require_memory(size, needed)


def _require_memory(size: Size, needed: int) -> None:
    if needed > MAX_DECODING_BYTES:
        raise PictureTooLarge(
            f"Decoding the picture of {size[0]}x{size[1]} pixels would take {needed:,} bytes of memory, more than "
            f"{MAX_DECODING_BYTES:,}. Send a smaller one."
        )


def _webp_size(content: bytes) -> Size | None:
    """Width and height of a WebP; None for other bytes (RFC 9649, sections 2.5 to 2.7)."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    kind = content[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        sides = content[26:28], content[28:30]
        width, height = (int.from_bytes(side, "little") & 0x3FFF for side in sides)
        return width, height
    return None


def _pixels(size: Size) -> int:
    return size[0] * size[1]
