"""JSON and compressed bodies: what parsing, validating and unpacking may take."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.api.middleware import unpacking
from app.api.middleware.unpacking import Unpacking
from app.api.raw_route import RawRoutes
from tests.limits.meanwhile import Meanwhile
from tests.raw import ApiProcess, post, read_answer

MAX_LIVEZ_SECONDS = 0.4  # of 0.1 that are promised: other tests run beside this one
MAX_GROWTH_MEGABYTES = 60
JSON, INFER = "application/json", "/v2/models/digits/infer"
SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
PIXELS = json.dumps({"pixels": [0] * 784}).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    server = ApiProcess(tmp_path_factory.mktemp("parsing") / "data")
    yield server
    server.stop()


def ask(server: ApiProcess, request: bytes) -> tuple[int, dict[str, str], bytes]:
    with server.connect() as connection:
        connection.sendall(request)
        return read_answer(connection)


def sweep(field: str, value: bytes) -> bytes:
    return b'{"kind":"backprop_sweep","layers":[64,64],"%s":%s}' % (field.encode(), value)


def many(element: bytes, count: int) -> bytes:
    return b"[" + b",".join([element] * count) + b"]"


WRONG_SPECS = {
    "320,000 wrong weights in rows": sweep("weights", b"[" + many(many(b'""', 64), 5_000) + b"]"),
    "wrong weights, flat": sweep("weights", many(b'""', 320_000)),
    "wrong weights that are few enough to be validated": sweep("weights", many(b'""', 150_000)),
    "wrong learning rates": sweep("learning_rates", many(b"{}", 140_000)),
    "wrong learning rates that are few enough": sweep("learning_rates", many(b"true", 10_000)),
    "wrong inputs": sweep("inputs", many(many(b'"x"', 64), 1_000)),
    "wrong biases": sweep("biases", many(many(b"null", 40), 3_900)),
    "wrong layers": sweep("layers", many(b"0.5", 160_000)),
    "fields that there are not": b"{" + b",".join(b'"%x":1' % number for number in range(80_000)) + b"}",
    "a name of a field that is long": b'{"kind":"backprop_sweep","%s":1}' % (b"a" * 1_000_000),
    "a value that is long": sweep("epochs", b'"%s"' % (b"9" * 1_000_000)),
    "lists in lists": sweep("weights", b"[" * 400_000 + b"]" * 400_000),
    "no JSON": many(b"0", 160_000) + b"}",
}


@pytest.mark.parametrize("body", WRONG_SPECS.values(), ids=WRONG_SPECS.keys())
def test_large_wrong_spec_is_refused_at_its_first_errors_and_holds_nobody_up(server: ApiProcess, body: bytes) -> None:
    before = server.resident_megabytes
    with Meanwhile(server) as meanwhile:
        for _ in range(3):
            status, _, answer = ask(server, post("/v1/jobs", JSON, body))
            assert (status, len(answer) < 10_000) == (422, True), answer[:500]
    assert meanwhile.longest < MAX_LIVEZ_SECONDS
    assert server.shrinks_below(before + MAX_GROWTH_MEGABYTES)


@pytest.mark.parametrize("path", ["/v1/backprop/trace", "/v1/models/aliases/champion/rollback"])
@pytest.mark.parametrize("element", [b"0", b"[]", b'""', b'{"a":0}'])
def test_a_large_body_where_a_small_one_is_meant_is_not_parsed(server: ApiProcess, path: str, element: bytes) -> None:
    with Meanwhile(server) as meanwhile:
        status, _, answer = ask(server, post(path, JSON, b'{"inputs":' + many(element, 120_000) + b"}"))
    assert (status, b"at most 1,000" in answer) == (422, True)
    assert meanwhile.longest < MAX_LIVEZ_SECONDS


def test_the_largest_sweep_is_taken_and_holds_nobody_up(server: ApiProcess) -> None:
    samples = many(many(b"0.25", 64), 1_000)
    body = b'{"kind":"backprop_sweep","layers":[64,64],"inputs":%s,"targets":%s,"epochs":1,"seed":1}' % (
        samples,
        samples,
    )
    with Meanwhile(server) as meanwhile:
        status, _, answer = ask(server, post("/v1/jobs", JSON, body))
    assert status == 202, answer[:500]
    assert meanwhile.longest < MAX_LIVEZ_SECONDS


@pytest.mark.parametrize("element", [b"[]", b"{}", b'""', b"0", b"[[0]]"])
@pytest.mark.parametrize("path", [INFER, "/v1/predict", "/v1/predict/batch", "/v1/jobs"])
def test_marks_are_counted_after_unpacking_on_every_route(server: ApiProcess, path: str, element: bytes) -> None:
    packed = gzip.compress(b'{"inputs":' + many(element, 8_000_000 // (len(element) + 1)) + b"}", 9)
    with Meanwhile(server) as meanwhile:
        status, _, _ = ask(server, post(path, JSON, packed, "Content-Encoding: gzip"))
    assert status in (400, 413, 422)
    assert meanwhile.longest < MAX_LIVEZ_SECONDS


def form(content: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("/v1/predict", "image/png", SEVEN.read_bytes(), 200),
        ("/v1/predict", "multipart/form-data; boundary=x", form(SEVEN.read_bytes()), 200),
        ("/v1/predict", JSON, PIXELS, 200),
        ("/v1/predict/batch", JSON, b'{"items":[%s]}' % PIXELS, 200),
        ("/v1/read", "image/png", SEVEN.read_bytes(), 200),
        ("/v1/jobs", JSON, b'{"kind":"backprop_sweep"}', 202),
        ("/v1/backprop/trace", JSON, b"{}", 200),
    ],
)
def test_compressed_bodies_are_unpacked_on_every_route(
    server: ApiProcess, path: str, kind: str, body: bytes, status: int
) -> None:
    plain = ask(server, post(path, kind, body))
    for encoding, compress in (("gzip", gzip.compress), ("x-gzip", gzip.compress), ("Deflate", zlib.compress)):
        found = ask(server, post(path, kind, compress(body), f"Content-Encoding: {encoding}"))
        assert (found[0], plain[0]) == (status, status), found
        assert path == "/v1/jobs" or found[2] == plain[2]
        packed = compress(body)
        chunked = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Encoding: {encoding}\r\n"
        chunked += "Transfer-Encoding: chunked\r\n\r\n"
        assert ask(server, chunked.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))[0] == status


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/read", "/v1/jobs", INFER, "/v1/backprop/trace"])
def test_what_cannot_be_unpacked_is_refused_by_name(server: ApiProcess, path: str) -> None:
    for encoding in ("br", "zstd", "gzip, gzip", "é", "compress"):
        status, headers, answer = ask(server, post(path, JSON, b"{}", f"Content-Encoding: {encoding}"))
        assert (status, headers["accept-encoding"]) == (415, "gzip, deflate")
        assert b"Content-Encoding" in answer
    for lie in (b"{}", gzip.compress(b"{}")[:-3], gzip.compress(b"{}") + b"x"):
        status, _, answer = ask(server, post(path, JSON, lie, "Content-Encoding: gzip"))
        assert (status, b"gzip" in answer) == (400 if path == INFER else 422, True)


def test_what_unpacks_to_more_than_the_route_takes_is_refused(server: ApiProcess) -> None:
    bombs = {"/v1/jobs": 2**21, "/v1/predict": 2**26, INFER: 2**26}
    before = server.resident_megabytes
    for path, size in bombs.items():
        packed = gzip.compress(b" " * size, 9)
        with Meanwhile(server) as meanwhile:
            for _ in range(5):
                assert ask(server, post(path, JSON, packed, "Content-Encoding: gzip"))[0] == 413
        assert meanwhile.longest < MAX_LIVEZ_SECONDS
    assert server.shrinks_below(before + MAX_GROWTH_MEGABYTES)


def test_a_body_without_an_encoding_may_say_so(server: ApiProcess) -> None:
    for header in ("Content-Encoding: identity", "Content-Encoding:"):
        assert ask(server, post("/v1/predict", JSON, PIXELS, header))[0] == 200


def test_past_the_bound_on_unpacked_bodies_a_client_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 1000)
    body = gzip.compress(b"a" * 1000)
    is_held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(scope: Scope, receive: Receive, send: Send) -> None:
        is_held.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> list[int]:
        bounded = Unpacking(hold, raw_routes=RawRoutes([]), max_bytes=10_000)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(bounded), base_url="http://x") as client:
            headers = {"Content-Encoding": "gzip"}
            first = asyncio.create_task(client.post("/", content=body, headers=headers))
            await is_held.wait()
            second = await client.post("/", content=body, headers=headers)
            go_on.set()
            third = await client.post("/", content=body, headers=headers) if (await first).is_success else second
            return [(await first).status_code, second.status_code, third.status_code]

    assert asyncio.run(ask()) == [200, 429, 200]
