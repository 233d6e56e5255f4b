"""Decompresses bodies, up to a bound."""

import zlib

from app.errors import BodyTooLarge, InvalidInput, UnsupportedMediaType

WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def unpack(body: bytes, encoding: str, *, max_bytes: int) -> bytes:
    """The body, decompressed as its Content-Encoding says. Never decompresses more than `max_bytes`.

    Raises UnsupportedMediaType, InvalidInput, BodyTooLarge.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in WINDOWS:
        raise UnsupportedMediaType(f"Content-Encoding {name[:40]!r} is not read here; send gzip, deflate or none.")
    unpacker = zlib.decompressobj(WINDOWS[name])
    try:
        content = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise InvalidInput(f"The body is not {name}: {error}.") from None
    if len(content) > max_bytes:
        raise BodyTooLarge(f"The body unpacks to more than {max_bytes:,} bytes, which is the most that is read here.")
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInput(f"The body is cut off, or more than one {name} stream.")
    return content
