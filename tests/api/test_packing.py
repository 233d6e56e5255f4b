"""Large answers are compressed; the head of a stream does not wait for its first event."""

import zlib
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from app.api.middleware.packing import GZIP, MIN_PACKED_BYTES, Packing

pytestmark = pytest.mark.anyio
SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", b"gzip")]}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def sent_by(answer: Response) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await Packing(answer)(SCOPE, receive, send)
    return sent


async def test_head_of_a_stream_is_sent_before_its_first_event() -> None:
    before_first: list[int] = []
    sent: list[Message] = []

    async def events() -> AsyncIterator[bytes]:
        before_first.append(len(sent))
        yield b": keepalive\n\n"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(events(), media_type="text/event-stream").stream_response(send)

    async def keep(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await Packing(app)(SCOPE, receive, keep)
    assert before_first == [1]


@pytest.mark.parametrize(
    ("media_type", "size", "is_packed"),
    [
        ("application/json", MIN_PACKED_BYTES, True),
        ("application/json", MIN_PACKED_BYTES - 1, False),
        ("image/png", 10 * MIN_PACKED_BYTES, False),
    ],
)
async def test_large_answers_that_shrink_are_packed(media_type: str, size: int, is_packed: bool) -> None:
    start, body = await sent_by(Response(b"7" * size, media_type=media_type))
    assert (dict(start["headers"]).get(b"content-encoding") == b"gzip") == is_packed
    content = zlib.decompress(body["body"], GZIP) if is_packed else body["body"]
    assert content == b"7" * size
    assert dict(start["headers"])[b"content-length"] == str(len(body["body"])).encode()
