"""Content-Encoding: which encodings of a body are read, and how much they may unpack to."""

import zlib

from app.errors import BodyTooLarge, InvalidInput, UnsupportedEncoding

WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
ACCEPTED = ("gzip", "deflate")
NONE = ("", "identity")


def require_readable(encoding: str) -> str:
    """The encoding's name in lower case. Raises UnsupportedEncoding."""
    name = encoding.strip().lower()
    if name in NONE or name in WINDOWS:
        return name
    raise UnsupportedEncoding(
        f"Content-Encoding {name[:40]!r} is not read here; send gzip, deflate or none.",
        location="header.Content-Encoding",
    )


def unpack(body: bytes, encoding: str, *, max_bytes: int) -> bytes:
    """The body, decompressed as its Content-Encoding says. Never decompresses more than `max_bytes`.

    Raises UnsupportedEncoding, InvalidInput, BodyTooLarge.
    """
    name = require_readable(encoding)
    if name in NONE:
        return body
    unpacker = zlib.decompressobj(WINDOWS[name])
    try:
        content = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        raise InvalidInput(
            f"The body is not {name}, as Content-Encoding says, or it is damaged.", location="header.Content-Encoding"
        ) from None
    if len(content) > max_bytes:
        raise BodyTooLarge(f"The body unpacks to more than {max_bytes:,} bytes, which is the most that is read here.")
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInput(f"The body is cut off, or more than one {name} stream.", location="header.Content-Encoding")
    return content
