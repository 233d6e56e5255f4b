"""The limit on the bodies of all routes but raw ones, which have their own."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import error_handlers
from app.api.body_limit import limit_body
from app.errors import BodyTooLarge


class BodyLimit:
    """ASGI middleware for routes that FastAPI handles: none of their bodies holds pictures."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            limited = limit_body(scope, receive, max_bytes=self._max_bytes) if scope["type"] == "http" else receive
        except BodyTooLarge as error:
            response = await error_handlers.respond(Request(scope), error)
            await response(scope, receive, send)
        else:
            await self._app(scope, limited, send)
