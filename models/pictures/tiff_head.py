"""What the first directory of a TIFF says about its first page (TIFF 6.0, section 2; BigTIFF has longer numbers).

Pillow and libtiff decode it, in the decoder process alone. They believe what stands here, so it is checked before.
"""

import struct
from collections.abc import Mapping, Sequence

from models.errors import PictureRefused
from models.pictures.opening import Head, Size

MAX_FIELDS = 1_000  # of the directory; cameras and scanners write 10 to 60: 422
MAX_SAMPLES, MAX_BITS = 8, 64  # of a pixel, of a sample: 422
COMPRESSIONS = {
    1: "none",
    2: "CCITT",
    3: "CCITT group 3",
    4: "CCITT group 4",
    5: "LZW",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
}  # others, such as Zstandard and LZMA, may take as much memory as the file likes

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
ROWS_PER_STRIP, PLANES, TILE_WIDTH, TILE_HEIGHT = 278, 284, 322, 323
WANTED = {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, ROWS_PER_STRIP, PLANES, TILE_WIDTH, TILE_HEIGHT}
SEPARATE_PLANES = 2
RGB, PALETTE, YCBCR = 2, 3, 6  # of PHOTOMETRIC
NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # by the type of a field

# What decoding takes for a pixel, besides the strip or tile that is decoded at a time, as measured.
GREY_BYTES_A_PIXEL = {1: 3, 8: 2, 16: 10, 32: 24}  # by bits
BYTES_A_RGB_PIXEL = 6
OTHER_BYTES_A_PIXEL = 11
BYTES_A_YCBCR_PIXEL = 4  # of a strip or tile


def read_tiff_head(content: bytes) -> Head | None:
    """The head of a TIFF; None for other bytes. Raises PictureRefused where it is damaged or cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(content[:2])
    if order is None or content[2:4] not in (struct.pack(f"{order}H", 42), struct.pack(f"{order}H", 43)):
        return None
    try:
        fields = _read_fields(content, order, is_big=content[2:4] == struct.pack(f"{order}H", 43))
        size = fields[WIDTH][0], fields[HEIGHT][0]
    except (struct.error, KeyError, IndexError):
        raise PictureRefused("The TIFF has no directory that says how large its first page is.") from None
    if min(size) < 1:
        raise PictureRefused("The TIFF says that its first page has no pixels.")
    return Head(size, _decoding_bytes(size, fields))


def _read_fields(content: bytes, order: str, *, is_big: bool) -> dict[int, tuple[int, ...]]:
    """The numbers of the wanted fields. Raises struct.error where the bytes end before."""
    (start,) = struct.unpack_from(f"{order}Q", content, 8) if is_big else struct.unpack_from(f"{order}I", content, 4)
    head, field, value_bytes = (f"{order}Q", f"{order}HHQ8s", 8) if is_big else (f"{order}H", f"{order}HHI4s", 4)
    _require_within(content, start)
    (count,) = struct.unpack_from(head, content, start)
    if count > MAX_FIELDS:
        raise PictureRefused(f"The directory of the TIFF has {count:,} fields, more than {MAX_FIELDS:,}.")
    found: dict[int, tuple[int, ...]] = {}
    for number in range(count):
        at = start + struct.calcsize(head) + number * struct.calcsize(field)
        tag, kind, values, inline = struct.unpack_from(field, content, at)
        if tag not in WANTED or kind not in NUMBERS or tag in found:  # Pillow and libtiff take the first one, too
            continue
        numbers = f"{order}{min(values, MAX_SAMPLES)}{NUMBERS[kind]}"
        if values * struct.calcsize(f"{order}{NUMBERS[kind]}") <= value_bytes:
            found[tag] = struct.unpack_from(numbers, inline)
        else:
            (where,) = struct.unpack(f"{order}{'Q' if is_big else 'I'}", inline)
            _require_within(content, where)
            found[tag] = struct.unpack_from(numbers, content, where)
    return found


def _require_within(content: bytes, offset: int) -> None:
    if offset >= len(content):
        raise struct.error("past the end")


def _decoding_bytes(size: Size, fields: Mapping[int, Sequence[int]]) -> int:
    compression, photometric = _first(fields, COMPRESSION, 1), _first(fields, PHOTOMETRIC, 0)
    if compression not in COMPRESSIONS:
        raise PictureRefused(
            f"The TIFF is compressed in a way that is not read here ({compression}). Save it with LZW or Deflate."
        )
    samples, bits = _first(fields, SAMPLES, 1), max(fields.get(BITS) or (1,))
    if not 1 <= samples <= MAX_SAMPLES or not 1 <= bits <= MAX_BITS:
        raise PictureRefused(f"The TIFF has {samples} samples of {bits} bits a pixel. Save it as grey or RGB.")
    a_pixel = _bytes_a_pixel(samples, bits, photometric)
    return size[0] * size[1] * a_pixel + _part_bytes(size, fields, samples, bits, photometric)


def _bytes_a_pixel(samples: int, bits: int, photometric: int) -> int:
    if samples == 1 and photometric not in (PALETTE, YCBCR):
        rounded = next((each for each in GREY_BYTES_A_PIXEL if bits <= each), bits)
        return GREY_BYTES_A_PIXEL.get(rounded, OTHER_BYTES_A_PIXEL)
    return BYTES_A_RGB_PIXEL if (samples, photometric) in ((3, RGB), (3, YCBCR)) else OTHER_BYTES_A_PIXEL


def _part_bytes(size: Size, fields: Mapping[int, Sequence[int]], samples: int, bits: int, photometric: int) -> int:
    """The memory of a strip or a tile, which may be larger than the picture."""
    width, height = size[0], min(size[1], _first(fields, ROWS_PER_STRIP, size[1]))
    if TILE_WIDTH in fields or TILE_HEIGHT in fields:
        width, height = _first(fields, TILE_WIDTH, size[0]), _first(fields, TILE_HEIGHT, size[1])
    if photometric == YCBCR:
        return width * height * BYTES_A_YCBCR_PIXEL
    channels = 1 if _first(fields, PLANES, 1) == SEPARATE_PLANES else samples
    return (width * channels * bits + 7) // 8 * height


def _first(fields: Mapping[int, Sequence[int]], tag: int, default: int) -> int:
    return next(iter(fields.get(tag, ())), default)
