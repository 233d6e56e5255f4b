"""Refuses a request body that is too large, before or while it is read."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.error_handlers import describe, problem
from app.errors import BodyTooLarge

PICTURE_PATHS = ("/v1/predict", "/v1/read", "/v2/models/digits/")  # only bodies that hold pictures may be large
LARGEST_OTHER = 2**20


class BodyLimit:
    """ASGI middleware. A declared length is refused unread; a chunked body as soon as it passes the limit."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.max_bytes if scope["path"].startswith(PICTURE_PATHS) else min(LARGEST_OTHER, self.max_bytes)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if declared.isdigit():  # uvicorn hands on no more than was declared
            if int(declared) > limit:
                await _drain(receive, self.max_bytes)
                await _refuse(limit, scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        seen, is_refused = 0, False

        async def limited_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLarge("the rest is not read")  # whatever the endpoint makes of it, 413 is what is sent
            return message

        async def corrected_send(message: Message) -> None:
            nonlocal is_refused
            if seen <= limit:
                await send(message)
            elif not is_refused:
                is_refused = True
                await _refuse(limit, scope, receive, send)

        await self.app(scope, limited_receive, corrected_send)


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    error = BodyTooLarge(f"The body is larger than {limit:,} bytes, which is the most that is read here.")
    await problem(Request(scope), describe(error), {"Connection": "close"})(scope, receive, send)


async def _drain(receive: Receive, most: int) -> None:
    """Read and drop up to `most` bytes: a client that is cut off while it sends may never see the answer."""
    while most > 0:
        message = await receive()
        most -= len(message.get("body", b""))
        if not message.get("more_body", False):
            return
