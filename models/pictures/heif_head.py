"""What an AVIF or HEIC says about its size, in the boxes of its container (ISO/IEC 14496-12 and 23008-12).

libavif and libheif decode them, in the decoder process alone.
"""

import struct
from collections.abc import Iterator

from models.errors import PictureRefused
from models.pictures.opening import Head, Size

MAX_BOXES = 10_000  # that are looked at; a telephone's photo has some 100: 422

KINDS = {
    *(b"avif", b"avis"),
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),  # which of the two is known by what is in them
}
CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0}  # bytes before the first box in them
PICTURE_SIZE, TRACK_SIZE = b"ispe", b"tkhd"  # of a picture, a tile, a thumbnail or a grid; of a sequence
DEPTH, AUXILIARY = b"pixi", b"auxC"  # bits of each channel; what a second picture is for
ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")

# What decoding takes for a pixel at its peak, as measured.
BYTES_A_PIXEL = 10
BYTES_A_DEEP_PIXEL = 20  # of more than 8 bits a channel, or transparent


def read_heif_head(content: bytes) -> Head | None:
    """The head of an AVIF or HEIC; None for other bytes. Raises PictureRefused where no size stands in it.

    Of several pictures, the largest counts: the others are its tiles and thumbnails, or it is theirs.
    """
    if content[4:8] != b"ftyp" or content[8:12] not in KINDS:
        return None
    sizes: list[Size] = []
    is_deep = False
    for number, (kind, start, end) in enumerate(_boxes(content)):
        if number >= MAX_BOXES:
            raise PictureRefused(f"The picture has more than {MAX_BOXES:,} boxes. Save it as a PNG.")
        if kind == PICTURE_SIZE and end - start >= 12:
            sizes.append(struct.unpack_from(">II", content, start + 4))
        elif kind == TRACK_SIZE and end - start >= 84:
            width, height = struct.unpack_from(">II", content, end - 8)  # the last two, in 16.16
            sizes.append((width >> 16, height >> 16))
        elif kind == DEPTH:
            is_deep |= max(content[start + 5 : min(end, start + 9)], default=0) > 8
        elif kind == AUXILIARY:
            is_deep |= content.startswith(ALPHA, start + 4)
    size = max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))
    if min(size) < 1:
        raise PictureRefused("The picture is damaged or cut off: its head does not say how large it is.")
    return Head(size, size[0] * size[1] * (BYTES_A_DEEP_PIXEL if is_deep else BYTES_A_PIXEL))


def _boxes(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and end of each box that is complete, and of those in the containers among them."""
    waiting = [(0, len(content))]
    while waiting:
        start, end = waiting.pop()
        while end - start >= 8:
            length, kind = struct.unpack_from(">I4s", content, start)
            head = 8
            if length == 1 and end - start >= 16:
                (length,), head = struct.unpack_from(">Q", content, start + 8), 16
            last = start + length if length else end
            if not start + head <= last <= end:
                break
            yield kind, start + head, last
            if kind in CONTAINERS:
                waiting.append((start + head + CONTAINERS[kind], last))
            start = last
