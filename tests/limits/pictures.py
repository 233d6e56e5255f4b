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
    rows = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
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
