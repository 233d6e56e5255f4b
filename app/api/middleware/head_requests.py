"""HEAD wherever there is GET (RFC 9110, section 9.3.2)."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
        is_answered, is_read = asyncio.Event(), False

        async def receive_until_answered() -> Message:
            nonlocal is_read
            if not is_read:
                is_read = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await is_answered.wait()
            return {"type": "http.disconnect"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                is_answered.set()

        as_get = {**scope, "method": "GET"}  # a copy: the server goes by the method in its own
        await self._app(as_get, receive_until_answered, send_head)
        if "route" in as_get:  # for the metrics
            scope["route"] = as_get["route"]
