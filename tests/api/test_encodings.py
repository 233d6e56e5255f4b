import gzip
import tracemalloc
import zlib

import pytest

from app.api.encodings import unpack
from app.errors import BodyTooLarge, InvalidInput, UnsupportedEncoding

TEXT = b'{"inputs": []}'


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT, mtime=0), "gzip"),
        (gzip.compress(TEXT, mtime=0), " GZip"),
        (zlib.compress(TEXT), "deflate"),
    ],
)
def test_body_is_unpacked_as_its_header_says(packed: bytes, encoding: str) -> None:
    assert unpack(packed, encoding, max_bytes=100) == TEXT


def test_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zlib.compress(b"\0" * 2**28, 9)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match="1,048,576"):
        unpack(bomb, "deflate", max_bytes=2**20)
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_packed_or_cut_off_or_has_more_behind_it_is_refused(encoding: str) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](TEXT)
    for damaged in (b"", TEXT, packed[:-1], packed + b"x", packed + packed, b"\0" * 100):
        with pytest.raises(InvalidInput, match=encoding) as refused:
            unpack(damaged, encoding, max_bytes=100)
        assert "decompressing" not in str(refused.value)  # zlib's words


@pytest.mark.parametrize("encoding", ["br", "gzip, deflate", "x" * 1000])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(UnsupportedEncoding, match="gzip, deflate or none"):
        unpack(TEXT, encoding, max_bytes=100)
