"""What a hostile client sends, one function a kind: each takes the port of a service and some seconds.

They are those by which the service once held gigabytes or stopped answering others (tests/limits has a test for each).
"""

import gzip
import io
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

HOST = "127.0.0.1"
WEBP_OF_64_MEGAPIXELS = "524946461a000000574542505650384c0e0000002f3edfcf07071011fd0f4444ff03"  # 34 bytes


def send(port: int, *parts: bytes, wait_seconds: float = 20.0) -> bytes:
    """Send the parts of a request as far as the server takes them. Returns the beginning of the answer."""
    try:
        with socket.create_connection((HOST, port), timeout=wait_seconds) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except OSError:
                pass  # the server has closed; its answer may still be there
            return connection.recv(4096)
    except OSError:
        return b""


def post(path: str, content_type: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def repeat(seconds: float, workers: int, attack: Callable[[], object]) -> None:
    """Run an attack again and again in some threads."""
    end = time.monotonic() + seconds

    def run() -> None:
        while time.monotonic() < end:
            attack()

    with ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            pool.submit(run)


def heads(port: int, seconds: float) -> None:
    """Header lines, values and URLs without end."""
    begin = f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\n".encode()
    lines = [b"".join(b"X-%d: a\r\n" % number for number in range(4000))] * 1000
    shapes: list[tuple[bytes, Iterable[bytes]]] = [
        (begin, lines),
        (begin + b"X: ", [b"a" * 1_000_000] * 40),
        (b"GET /", [b"a" * 1_000_000] * 40),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", lines),
    ]
    repeat(seconds, 4, lambda: [send(port, first, *rest) for first, rest in shapes])


def idle_connections(port: int, seconds: float) -> None:
    """Connections that send nothing, half a head, or half a body."""
    held = []
    for number in range(1500):
        try:
            connection = socket.create_connection((HOST, port), timeout=5)
            half = (b"", b"GET /liv", b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")[
                number % 3
            ]
            connection.sendall(half)
            held.append(connection)
        except OSError:
            break
    time.sleep(seconds)
    for connection in held:
        connection.close()


def unfinished_bodies(port: int, seconds: float) -> None:
    """Bodies of 31 of 33 MB."""
    begin = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 33000000\r\n\r\n"

    def attack() -> None:
        send(port, begin, *[b"\0" * 1_000_000] * 31, wait_seconds=3)

    repeat(seconds, 40, attack)


def scans(port: int, seconds: float) -> None:
    """Progressive JPEGs whose scans say nothing, by clients that hang up at once."""
    body = progressive_jpeg(3000)
    request = post("/v1/predict", "image/jpeg", body)
    repeat(seconds, 4, lambda: send(port, request, wait_seconds=0.3))


def many_pixels(port: int, seconds: float) -> None:
    """Small files of many pixels, alone and in batches, and a slow decoder."""
    large = png(8000, 8000)
    batch = multipart([large] * 40)
    pictures = [
        post("/v1/predict", "image/webp", bytes.fromhex(WEBP_OF_64_MEGAPIXELS)),
        post("/v1/predict", "image/png", png(1, 64_000_000)),
        post("/v1/predict", "image/png", large),
        post("/v1/read", "image/png", large),
        post("/v1/predict/batch", "multipart/form-data; boundary=x", batch),
        post("/v1/predict", "image/bmp", bmp_deltas(8_000_000)),
    ]  # fmt: skip
    repeat(seconds, 4, lambda: [send(port, picture, wait_seconds=5) for picture in pictures])


def wrong_json(port: int, seconds: float) -> None:
    """JSON whose every element is wrong, deep, or compressed a thousand times."""
    row = b"[" + b",".join([b'""'] * 64) + b"]"
    weights = b'{"kind":"backprop_sweep","layers":[64,64],"weights":[[' + b",".join([row] * 3000) + b"]]}"
    packed = gzip.compress(b'{"inputs":[' + b",".join([b"[]"] * 2_790_000) + b"]}", 9)
    bodies = [
        post("/v1/jobs", "application/json", weights),
        post("/v2/models/digits/infer", "application/json", packed, "Content-Encoding: gzip"),
        post("/v1/predict", "application/json", packed, "Content-Encoding: gzip"),
        post("/v1/predict/batch", "application/json", b"[" * 400_000),
        post("/v1/jobs", "application/json", b'{"a":' * 150_000),
    ]
    repeat(seconds, 3, lambda: [send(port, body) for body in bodies])


def plots_and_waits(port: int, seconds: float) -> None:
    """Figures of a large sweep that nobody waits for, and submits that wait for a minute."""
    spec = {"kind": "backprop_sweep", "learning_rates": [0.01 * (1 + k) for k in range(200)], "epochs": 2000}
    answer = send(port, post("/v1/jobs", "application/json", json.dumps(spec).encode(), "Prefer: wait=15"))
    job = answer.partition(b'"id":"')[2][:36].decode()
    plot = f"GET /v1/jobs/{job}/plot.svg HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    npz = f"GET /v1/jobs/{job}/curves.npz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    training = {"kind": "mnist_training", "dataset": "optdigits", "epochs": 1}
    wait = post("/v1/jobs", "application/json", json.dumps(training).encode(), "Prefer: wait=60")
    repeat(seconds, 20, lambda: [send(port, plot, wait_seconds=1), send(port, npz, wait_seconds=1)])
    send(port, wait, wait_seconds=1)


def strange_requests(port: int, seconds: float) -> None:
    """Long paths, control characters, wrong keys, several hosts."""
    requests = [
        b"POST /x%0aFORGED%20LINE" + b"a" * 50_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /v1/models/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer numeral_0000000000_00\r\n\r\n",
    ]
    repeat(seconds, 4, lambda: [send(port, request) for request in requests])


ATTACKS = (
    heads, idle_connections, unfinished_bodies, scans, many_pixels, wrong_json, plots_and_waits, strange_requests,
)  # fmt: skip


def png(width: int, height: int) -> bytes:
    """A black palette picture, which compresses a thousand times."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(range(256)) * 3)
    rows = zlib.compress(bytes((width + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bmp_deltas(size: int) -> bytes:
    """A run-length-coded BMP whose body is `size` bytes of jumps."""
    body = b"\0\2\1\0" * (size // 4)
    head = struct.pack("<IiiHHIIiiII", 40, 8000, 8000, 1, 8, 1, len(body), 0, 0, 256, 0)
    palette = bytes(1024)
    offset = 14 + len(head) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(body), 0, 0, offset) + head + palette + body


def progressive_jpeg(count: int, *, side: int = 8000) -> bytes:
    """A grey picture with `count` further scans of 95 bytes, each of which says: nothing, for all blocks."""

    def segment(marker: int, content: bytes) -> bytes:
        return bytes([255, marker]) + struct.pack(">H", len(content) + 2) + content

    blocks = ((side + 7) // 8) ** 2
    frame = struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0])
    head = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, frame)
    head += segment(0xC4, bytes([0, 1] + [0] * 15 + [0])) + segment(0xC4, bytes([0x10, 1, 1] + [0] * 14 + [0xE0, 0]))
    bits, left = "", blocks
    while left >= 1 << 14:
        run = min(left, (1 << 15) - 1)
        bits += "0" + format(run - (1 << 14), "014b")
        left -= run
    bits += "10" * left
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    first = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(blocks // 8)
    return head + first + (segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + scan) * count + b"\xff\xd9"


def multipart(files: list[bytes]) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return b"".join(part + file + b"\r\n" for file in files) + b"--x--\r\n"


def small_png() -> bytes:
    """A 320x400 picture of a stroke, as a well-behaved client sends it."""
    picture = Image.new("L", (320, 400), 255)
    picture.paste(0, (150, 80, 175, 320))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
