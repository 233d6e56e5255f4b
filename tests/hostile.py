"""Requests that no well-meaning client would send, each a name and the bytes; the same ones for the same seed."""

import base64
import io
import json
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.raw import post

Request = tuple[str, bytes]

SEVEN = Path(__file__).parents[1] / "docs" / "examples" / "seven.png"
FORMATS = {
    **{"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "BMP": "image/bmp", "GIF": "image/gif"},
    **{"TIFF": "image/tiff", "AVIF": "image/avif"},
}
PREDICT, BATCH, INFER = "/v1/predict", "/v1/predict/batch", "/v2/models/digits/infer"
READ = "/v1/read"


def hostile_requests(seed: int) -> list[Request]:
    """More than 2,000 of them, in random order."""
    chance = random.Random(seed)
    kinds = (
        _damaged_pictures,
        _bombs,
        _false_dimensions,
        _odd_numbers,
        _deep_json,
        _broken_tensors,
        _noise,
        _odd_heads,
    )
    requests = [request for kind in kinds for request in kind(chance)]
    chance.shuffle(requests)
    return requests


def _damaged_pictures(chance: random.Random) -> Iterator[Request]:
    pictures = {}
    for size in ((28, 28), (160, 200)):
        small = Image.open(SEVEN).convert("L").resize(size)
        for name in FORMATS:
            for mode in ("L", "RGB"):
                buffer = io.BytesIO()
                small.convert(mode).save(buffer, name)
                pictures[name, mode, size] = buffer.getvalue()
    for (name, _, _), content in pictures.items():
        for _ in range(25):
            cut = content[: chance.randrange(len(content))]
            yield f"{name} cut off", post(chance.choice((PREDICT, READ)), FORMATS[name], cut)
        for _ in range(35):
            flipped = bytearray(content)
            for _ in range(chance.choice((1, 1, 3, 10))):
                flipped[chance.randrange(min(len(flipped), chance.choice((40, 10**6))))] ^= 1 << chance.randrange(8)
            yield f"{name} with bits flipped", post(chance.choice((PREDICT, READ)), FORMATS[name], bytes(flipped))


def _bombs(chance: random.Random) -> Iterator[Request]:
    for side in (9_000, 20_000, 60_000):
        rows = zlib.compress(b"\0" * (1 + side // 8) * min(side, 20_000), 9)
        yield "PNG bomb", post(PREDICT, "image/png", _png(side, side, rows, bits=1, colour=0))
    text = zlib.compress(b"a" * 50_000_000, 9)
    picture = SEVEN.read_bytes()
    for kind, content in ((b"zTXt", b"k\0\0" + text), (b"iTXt", b"k\0\1\0\0\0" + text), (b"iCCP", b"k\0\0" + text)):
        yield (
            "PNG with a text that unpacks to 50 MB",
            post(PREDICT, "image/png", picture[:33] + _chunk(kind, content) + picture[33:]),
        )
    for name in ("GIF", "WEBP", "JPEG"):
        buffer = io.BytesIO()
        Image.new("L", (8_500, 8_500)).save(buffer, name)
        yield f"{name} of 72 megapixels", post(PREDICT, FORMATS[name], buffer.getvalue())
    frames = [Image.new("L", (300, 300), shade) for shade in range(100)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    yield "GIF of 100 frames", post(PREDICT, "image/gif", buffer.getvalue())


def _false_dimensions(chance: random.Random) -> Iterator[Request]:
    rows = zlib.compress(b"\0" * 900)
    odd = (0, 1, 2, 28, 65_535, 65_536, 10**6, 2**31 - 1, 2**31, 2**32 - 1)
    for _ in range(150):
        width, height = chance.choice(odd), chance.choice(odd)
        picture = _png(
            width, height, rows, bits=chance.choice((0, 1, 3, 8, 16, 255)), colour=chance.choice((0, 2, 3, 6, 9))
        )
        yield f"PNG that says {width}x{height}", post(PREDICT, "image/png", picture)
        bmp = b"BM" + struct.pack(
            "<IHHIIiiHH", 200, 0, 0, 54, 40, width % 2**31, -(height % 2**31), 1, chance.choice((1, 24, 32))
        )
        yield f"BMP that says {width}x{height}", post(PREDICT, "image/bmp", bmp + bytes(100))


def _odd_numbers(chance: random.Random) -> Iterator[Request]:
    odd = (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1",
        "256",
        "1" + "0" * 400,
        "null",
        "true",
        '"7"',
        "[]",
        "{}",
        "0x1",
        "01",
    )
    for path, around in ((PREDICT, '{"pixels": %s}'), (BATCH, '{"items": [{"pixels": %s}]}'), (INFER, INPUT)):
        for value in odd:
            for count in (1, 783, 784):
                numbers = ["0"] * count
                numbers[chance.randrange(count)] = value
                yield (
                    f"{value[:9]} among {count} pixels",
                    post(path, "application/json", (around % f"[{', '.join(numbers)}]").encode()),
                )
        for value in odd:
            yield f"{value[:9]} for pixels", post(path, "application/json", (around % value).encode())
            yield f"{value[:9]} for a body", post(path, "application/json", value.encode())
    for _ in range(60):
        text = base64.b64encode(chance.randbytes(chance.randrange(60))).decode()[chance.randrange(3) :]
        yield (
            "base64 of noise",
            post(
                PREDICT,
                "application/json",
                json.dumps({"image": chance.choice(("", "data:image/png;base64,", "data:,")) + text}).encode(),
            ),
        )


INPUT = '{"inputs": [{"name": "image", "shape": [1, 1, 28, 28], "datatype": "FP32", "data": %s}]}'


def _deep_json(chance: random.Random) -> Iterator[Request]:
    for path in (PREDICT, READ, BATCH, INFER):
        for depth in (10, 1_000, 1_024, 100_000):
            for opening, closing in (("[", "]"), ('{"pixels": ', "}"), ('{"items": [', "]}"), ('{"inputs": [', "]}")):
                nested = opening * depth + "1" + closing * depth
                yield f"JSON {depth} deep", post(path, "application/json", nested.encode())
                yield (
                    f"JSON {depth} deep, cut off",
                    post(path, "application/json", nested[: depth * len(opening)].encode()),
                )


def _broken_tensors(chance: random.Random) -> Iterator[Request]:
    pixels = np.zeros(784, np.float32)
    for _ in range(100):
        pixels[chance.randrange(784)] = chance.choice((float("nan"), float("inf"), -1.0, 2.0, 1e30))
        size = chance.choice((3136, 3135, 0, 6272, -1, 2**63))
        shape = chance.choice(
            ([1, 1, 28, 28], [28, 28], [0, 1, 28, 28], [-1, 1, 28, 28], [2**40, 2**40, 28, 28], [1.5], "x")
        )
        kind = chance.choice(("FP32", "FP64", "INT8", "BYTES", "BF16", ""))
        tensor = {"name": "image", "shape": shape, "datatype": kind, "parameters": {"binary_data_size": size}}
        head = json.dumps({"inputs": [tensor]}).encode()
        length = len(head) + chance.choice((0, 0, 0, 1, -1, 10**9, -(10**9)))
        body = head + pixels.tobytes()[: chance.choice((3136, 3136, 100, 0))]
        yield (
            "tensor that is not what it says",
            post(INFER, "application/octet-stream", body, f"Inference-Header-Content-Length: {length}"),
        )


def _noise(chance: random.Random) -> Iterator[Request]:
    starts = [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\xff\xff\0\0WEBPVP8 ",
        b"BM",
        b"GIF89a",
        b"--x\r\n",
        b"{",
        b"\x1f\x8b",
    ]
    kinds = (
        *FORMATS.values(),
        "application/json",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "text/plain",
        "a" * 5000,
        "",
    )
    for path in (PREDICT, READ, BATCH, INFER):
        for kind in kinds:
            for start in starts:
                yield f"noise as {kind[:20]}", post(path, kind, start + chance.randbytes(chance.choice((0, 5, 300))))
    part = '--x\r\nContent-Disposition: form-data; name="{}"; filename="a"\r\n\r\n{}\r\n'
    for name in ("file", "files", "", "\0"):
        for times in (0, 1, 2, 300):
            body = (part.format(name, "?") * times + "--x--").encode()
            yield (
                f"form with {times} of {name!r}",
                post(chance.choice((PREDICT, BATCH)), "multipart/form-data; boundary=x", body),
            )


def _odd_heads(chance: random.Random) -> Iterator[Request]:
    picture = SEVEN.read_bytes()
    values = (
        "",
        "0",
        "-1",
        "nan",
        "1e9",
        "9" * 30,
        "\t",
        "é",
        "champion",
        "99",
        "%00",
        "a" * 100,
        "..%2f..",
        "'; DROP TABLE",
    )
    for value in values:
        path = "".join(letter for letter in value if letter.isascii() and letter.isprintable()).replace(" ", "+")
        yield f"model={value[:9]}", post(f"{PREDICT}?model={path}", "image/png", picture)
        yield f"v2 model {value[:9]}", post(f"/v2/models/{path}/infer", "application/json", b"{}")
        for header in ("X-Request-Timeout", "Inference-Header-Content-Length", "Content-Encoding", "Accept", "Expect"):
            for route in (PREDICT, INFER):
                yield f"{header}: {value[:9]}", post(route, "image/png", picture, f"{header}: {value}")


def _png(width: int, height: int, rows: bytes, *, bits: int, colour: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
