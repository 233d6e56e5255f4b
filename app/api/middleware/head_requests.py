"""HEAD wherever there is GET (RFC 9110, section 9.3.2)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.disconnects import disconnect_check


class HeadRequests:
    """ASGI middleware: answers HEAD with the status and the headers of GET, and with no body.

    An answer without an end, such as an event stream, ends with its headers: the application is told that the client
    has disconnected.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        as_get = {**scope, "method": "GET"}  # a copy: the server goes by the method in its own
        await self._app(as_get, exchange.receive, exchange.send)
        if "route" in as_get:  # for the metrics
            scope["route"] = as_get["route"]


class _Exchange:
    """Hands the application an empty body, and the client the head of the answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._send, self._is_disconnected = send, disconnect_check(receive)
        self._is_answered, self._is_read = asyncio.Event(), False
        self.transport = None  # nothing is left to be sent

    @property
    def disconnected(self) -> bool:
        """As uvicorn's connection has it."""
        return self._is_answered.is_set() or self._is_disconnected()

    async def receive(self) -> Message:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._is_answered.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._is_answered.set()
