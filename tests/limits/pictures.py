"""Pictures that cost far more to decode than to send."""

import struct
import zlib

WEBP_OF_34_BYTES = bytes.fromhex("524946461a000000574542505650384c0e0000002f3edfcf07071011fd0f4444ff03")  # 7999x8000


def png(width: int, height: int, *, colour: int = 0, chunks: bytes = b"") -> bytes:
    """Nothing but zeros; `colour` is 0 for grey, 2 for RGB, 3 for a palette, 6 for RGBA."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    packer = zlib.compressobj(1)
    row = bytes(channels * width + 1)
    block = max(1, 2**20 // len(row))  # rows at once: a column of 64 million is compressed in a second, not in thirty
    sizes = [block] * (height // block) + [height % block]
    rows = b"".join([packer.compress(row * size) for size in sizes]) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunks + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def palette(width: int, height: int) -> bytes:
    """A PNG with a palette and transparency, which takes 11 bytes a pixel."""
    colours = chunk(b"PLTE", bytes(range(256)) * 3) + chunk(b"tRNS", bytes(range(256)))
    return png(width, height, colour=3, chunks=colours)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def jpeg(scans: int, side: int = 8000, *, between: bytes = b"") -> bytes:
    """Progressive, grey; each further scan says in some 95 bytes that there is nothing in any block."""
    blocks = ((side + 7) // 8) ** 2
    tables = _segment(0xC4, bytes([0, 1] + [0] * 15 + [0])) + _segment(0xC4, bytes([0x10, 1, 1] + [0] * 14 + [0xE0, 0]))
    frame = _segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0]))
    first = _segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(blocks // 8 + 1)
    more = _segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + _empty_blocks(blocks)
    quantisation = _segment(0xDB, b"\0" + b"\1" * 64)
    return b"\xff\xd8" + quantisation + frame + tables + first + (between + more) * scans + b"\xff\xd9"


def _empty_blocks(blocks: int) -> bytes:
    """As few runs of empty blocks as can be."""
    bits, left = "", blocks
    while left >= 1 << 14:
        run = min(left, (1 << 15) - 1)
        bits += "0" + format(run - (1 << 14), "014b")
        left -= run
    bits += "10" * left
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def comment(size: int) -> bytes:
    """A segment of a JPEG that says that a picture ends, and begins scans."""
    return _segment(0xFE, b"\xff\xd9\xff\xda" * (size // 4))


def run_length_bmp(size: int, side: int) -> bytes:
    """`size` bytes of runs that move on by one pixel each."""
    offset = 54 + 1024
    file = b"BM" + struct.pack("<IHHI", offset + size, 0, 0, offset)
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, size, 0, 0, 256, 0)
    return file + head + bytes(range(256)) * 4 + b"\0\2\1\0" * (size // 4)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([255, marker]) + struct.pack(">H", len(content) + 2) + content


Fields = dict[int, tuple[int, ...]]  # by tag


def tiff(fields: Fields, content: bytes = b"", *, order: str = "<", is_big: bool = False, next_page: int = 0) -> bytes:
    """A TIFF with one directory of 32-bit numbers and, in front of it, `content`, which begins at byte 16."""
    head, count, field, offset = ("Q", "Q", "HHQ", "Q") if is_big else ("I", "H", "HHI", "I")
    magic = struct.pack(f"{order}2sH", b"II" if order == "<" else b"MM", 43 if is_big else 42)
    magic += struct.pack(f"{order}HH", 8, 0) if is_big else b""
    start = 16 + len(content)
    end = start + struct.calcsize(f"={count}") + len(fields) * struct.calcsize(f"={field}{offset}")
    end += struct.calcsize(f"={offset}")
    directory, outside = struct.pack(f"{order}{count}", len(fields)), b""
    room = struct.calcsize(f"={offset}")
    for tag, numbers in sorted(fields.items()):
        value = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(value) > room:
            value, outside = struct.pack(f"{order}{offset}", end + len(outside)), outside + value
        directory += struct.pack(f"{order}{field}", tag, 4, len(numbers)) + value.ljust(room, b"\0")
    directory += struct.pack(f"{order}{offset}", next_page)
    return (magic + struct.pack(f"{order}{head}", start)).ljust(16, b"\0") + content + directory + outside


def grey_tiff(width: int, height: int, **more: int) -> bytes:
    """Nothing but zeros, in one strip that is not there; `more` are further fields, as t322=16."""
    fields: Fields = {256: (width,), 257: (height,), 258: (8,), 259: (1,), 262: (1,), 273: (16,), 277: (1,), 279: (1,)}
    return tiff(fields | {int(tag[1:]): (value,) for tag, value in more.items()}, bytes(16))


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of an AVIF or HEIC."""
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def heif(*properties: bytes, brand: bytes = b"avif") -> bytes:
    """The head of an AVIF or HEIC with these properties, and no picture."""
    head = box(b"ftyp", brand, bytes(4), brand)
    return head + box(b"meta", bytes(4), box(b"iprp", box(b"ipco", *properties)))


def picture_size(width: int, height: int) -> bytes:
    return box(b"ispe", struct.pack(">III", 0, width, height))
