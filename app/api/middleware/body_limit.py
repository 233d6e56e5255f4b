"""The limit on the bodies of all routes but raw ones, which have their own."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.body_limit import limit_body
from app.api.error_handlers import send_error
from app.errors import BodyTooLarge


class BodyLimit:
    """ASGI middleware for routes that FastAPI handles: none of their bodies holds pictures."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            limited = limit_body(scope, receive, max_bytes=self._max_bytes) if scope["type"] == "http" else receive
        except BodyTooLarge as error:
            await send_error(error, scope, receive, send)
        else:
            await self._app(scope, limited, send)
