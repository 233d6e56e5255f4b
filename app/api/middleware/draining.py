"""Sends clients elsewhere while this process is about to end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.shutdown import ShutdownState


class Draining:
    """ASGI middleware: once the shutdown has begun, each response closes its connection."""

    def __init__(self, app: ASGIApp, *, shutdown: ShutdownState) -> None:
        self._app, self._shutdown = app, shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, _closing(send) if self._shutdown.has_begun else send)


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_and_close
