"""A response that is sent in chunks to a reader who must keep pace."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import AppError
from app.server.disconnects import abort_connection, disconnect_check
from app.serving.downloads import ReaderPace
from app.serving.places import Places
from app.storage import CHUNK_BYTES, Storage, verified_chunks

logger = logging.getLogger(__name__)


class Closable(Protocol):
    """What holds a file or a connection."""

    def close(self) -> None:
        """Release it."""


@dataclass(frozen=True)
class Content:
    """The bytes of an answer, in chunks; `size` is their number if it is known; `source` is closed at the end."""

    chunks: Iterator[bytes]
    size: int | None = None
    source: Closable | None = None

    def close(self) -> None:
        if self.source is not None:
            self.source.close()


class Download(Response):
    """Sends what `open_content`, called in a thread, returns. With a `size` of one chunk it needs no place.

    Errors of `open_content` and of the first chunk are answered as those of any endpoint; a later one, such as
    ArtifactDamaged, ends the connection before the answer is complete, and so does a reader that stands still.
    """

    def __init__(
        self, places: Places, open_content: Callable[[], Content], *, media_type: str, size: int | None = None
    ) -> None:
        self._places, self._open_content = places, open_content
        self._is_small = size is not None and size <= CHUNK_BYTES
        self.status_code, self.media_type, self.background = 200, media_type, None
        self.init_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_small:
            await self._answer(scope, receive, send)
        else:
            async with self._places.place():
                await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with closing(await self._places.run(self._open_content)) as content:
            first = await self._places.run(lambda: next(content.chunks, b""))
            if content.size is not None:
                self.headers["Content-Length"] = str(content.size)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                await self._send_chunks(first, content.chunks, disconnect_check(receive), send)
            except AppError as error:
                logger.error("ended the answer to GET %s before its end: %s", scope["path"], error)
                await _abort(receive)
            except TimeoutError:
                logger.info("closed the connection of GET %s: its client did not take the answer", scope["path"])
                await _abort(receive)

    async def _send_chunks(
        self, chunk: bytes, rest: Iterator[bytes], is_disconnected: Callable[[], bool], send: Send
    ) -> None:
        pace = ReaderPace()
        while chunk and not is_disconnected():
            async with pace.sending(len(chunk)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await self._places.run(lambda: next(rest, b""))
        async with pace.sending(0):
            await send({"type": "http.response.body"})


def open_artifact(storage: Storage, name: str, *, sha256: str) -> Content:
    """An artifact as it is stored. Raises ArtifactDamaged, StorageUnavailable."""
    reader = storage.open(name)
    return Content(verified_chunks(reader, name, sha256=sha256, place=storage.place), reader.size, reader)


def join_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the pieces in chunks of at least CHUNK_BYTES: the server changes threads for each chunk."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


async def _abort(receive: Receive) -> None:
    """End the connection, and wait until the server knows."""
    abort_connection(receive)
    async with asyncio.timeout(5):
        while (await receive())["type"] != "http.disconnect":
            pass
