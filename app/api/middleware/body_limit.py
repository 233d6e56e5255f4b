"""Refuses a request body that is too large, before or while it is read.

Starlette's RequestBodyLimitMiddleware is not used: its 413 is plain text instead of a problem document, and it replaces
any other answer to a declared length over the limit, a 401 too.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.error_handlers import describe, problem
from app.api.raw_route import RawRoutes
from app.errors import BodyTooLarge

MAX_OTHER_BYTES = 2**20  # of a body that holds no pictures


class BodyLimit:
    """ASGI middleware. A declared length is refused unread; a chunked body as soon as it passes the limit."""

    def __init__(self, app: ASGIApp, *, raw_routes: RawRoutes, max_bytes: int) -> None:
        self._app, self._raw_routes, self._max_bytes = app, raw_routes, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._max_bytes
        if not self._raw_routes.takes_pictures(scope):
            limit = min(MAX_OTHER_BYTES, limit)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if not declared.isdigit():
            await self._count(limit, scope, receive, send)
        elif int(declared) <= limit:  # uvicorn hands on no more than was declared
            await self._app(scope, receive, send)
        else:
            await _drain(receive, self._max_bytes)
            await _reject(limit, scope, receive, send)

    async def _count(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a body of unknown length up to the limit; past it, 413 is sent in the place of any other answer."""
        received, is_rejected = 0, False

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge("The rest of the body is not read.")
            return message

        async def corrected_send(message: Message) -> None:
            nonlocal is_rejected
            if received <= limit:
                await send(message)
            elif not is_rejected:
                is_rejected = True
                await _reject(limit, scope, receive, send)

        await self._app(scope, limited_receive, corrected_send)


async def _reject(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    error = BodyTooLarge(f"The body is larger than {limit:,} bytes, which is the most that is read here.")
    await problem(Request(scope), describe(error), {"Connection": "close"})(scope, receive, send)


async def _drain(receive: Receive, max_bytes: int) -> None:
    """Read and drop up to `max_bytes`: a client that is cut off while it sends may never see the answer."""
    while max_bytes > 0:
        message = await receive()
        max_bytes -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return
