"""Unpacks compressed bodies, so that no route has to."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.body_limit import limit_body
from app.api.encodings import NONE, require_readable, unpack
from app.api.error_handlers import send_error
from app.api.headers import find_header
from app.api.raw_route import MAX_JSON_BYTES, PictureRoute, RawRoutes, read_body
from app.errors import AppError, Overloaded
from app.server.disconnects import disconnect_check, transport_of

MAX_UNPACKING_THREADS = 2
MAX_UNPACKED_BYTES = 64 * 2**20  # of all bodies that are being answered; what two threads unpack comes on top
HEADERS = (b"content-encoding", b"content-length")  # true of the packed body only


class Unpacking:
    """ASGI middleware: a body with a Content-Encoding arrives at the route unpacked, up to the route's limit."""

    def __init__(self, app: ASGIApp, *, raw_routes: RawRoutes, max_bytes: int) -> None:
        self._app, self._raw_routes, self._max_bytes = app, raw_routes, max_bytes
        self._threads, self._turns = CapacityLimiter(MAX_UNPACKING_THREADS), asyncio.Semaphore(MAX_UNPACKING_THREADS)
        self._unpacked_bytes = 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_packed = scope["type"] == "http" and find_header(scope, b"content-encoding") is not None
        return (self._unpack if is_packed else self._app)(scope, receive, send)

    async def _unpack(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, max_bytes = Request(scope), self._max_body_bytes(scope)
        try:
            encoding = require_readable(", ".join(request.headers.getlist("content-encoding")))
            body = await read_body(Request(scope, limit_body(scope, receive, max_bytes=max_bytes)))
            content = await self._unpack_body(body, encoding, max_bytes)
        except Exception as error:
            await send_error(error, scope, receive, send)
            return
        scope["headers"] = [header for header in scope["headers"] if header[0] not in HEADERS]
        self._unpacked_bytes += len(content)
        try:
            await self._app(scope, UnpackedBody(content, receive).receive, send)
        finally:
            self._unpacked_bytes -= len(content)

    def _max_body_bytes(self, scope: Scope) -> int:
        """How large the body may be, compressed and unpacked."""
        is_picture = isinstance(self._raw_routes.find(scope), PictureRoute)
        return self._max_bytes if is_picture else min(MAX_JSON_BYTES, self._max_bytes)

    async def _unpack_body(self, body: bytes, encoding: str, max_bytes: int) -> bytes:
        """Raises Overloaded, InvalidInput, BodyTooLarge."""
        if not body or encoding in NONE:
            return body
        async with self._turns:
            if self._unpacked_bytes >= MAX_UNPACKED_BYTES:
                raise Overloaded("Too many compressed bodies are being answered; ask again in a second.")
            found = await to_thread.run_sync(partial(_attempt, body, encoding, max_bytes), limiter=self._threads)
        if isinstance(found, AppError):
            raise found
        return found


class UnpackedBody:
    """Hands the body to the application, then what else the client says."""

    def __init__(self, content: bytes, receive: Receive) -> None:
        self._content: bytes | None = content
        self._receive, self._is_disconnected = receive, disconnect_check(receive)
        self.transport = transport_of(receive)

    @property
    def disconnected(self) -> bool:
        """As uvicorn's connection has it."""
        return self._is_disconnected()

    async def receive(self) -> Message:
        if self._content is None:
            return await self._receive()
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}


def _attempt(body: bytes, encoding: str, max_bytes: int) -> bytes | AppError:
    """The body, or the error: raised out of a thread it would keep the body in memory until garbage is collected."""
    try:
        return unpack(body, encoding, max_bytes=max_bytes)
    except AppError as error:
        return error.with_traceback(None)
