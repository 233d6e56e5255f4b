"""Routes for what has to be quick: in the OpenAPI document like all others, but answered without FastAPI's machinery.

That machinery (layers of middleware, dependencies, validation of the answer) takes 0.2 ms a request, more than the
network. Such an endpoint takes a Request and returns a Response; what it raises becomes a problem document as
everywhere else.
"""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import error_handlers
from app.api.dependencies import Parts
from app.api.middleware.body_limit import BodyLimit
from app.server.shutdown import Lifetime


class BareRoute(APIRoute):
    """A route whose endpoint is `async (Request) -> Response`; what it documents is up to `openapi_extra`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.methods and scope["method"] in self.methods:
            await self.answer(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self.endpoint(request)
        except Exception as error:
            response = await error_handlers.respond(request, error)
        await response(scope, receive, send)


class Service(FastAPI):
    """FastAPI behind `guard` and a limit on bodies, and with a short way to bare routes, past all that lies before its
    router."""

    def __init__(
        self, *, lifetime: Lifetime, max_body_bytes: int, guard: Callable[[ASGIApp], ASGIApp], **options: Any
    ) -> None:
        super().__init__(**options)
        self._lifetime = lifetime
        self._guarded = guard(BodyLimit(self._dispatch, max_bytes=max_body_bytes))
        self._shortcuts: dict[tuple[str, str], BareRoute] = {}

    def include_bare(self, router: APIRouter) -> None:
        """Include a router, and take the short way to those of its bare routes whose path has no parameter."""
        self.include_router(router)
        for route in router.routes:
            if isinstance(route, BareRoute) and not route.param_convertors:
                self._shortcuts |= {(method, route.path): route for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guarded(scope, receive, _closing(send) if self._lifetime.is_ending else send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._shortcuts.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await super().__call__(scope, receive, send)
        else:
            scope["app"], scope["route"] = self, route
            await route.answer(scope, receive, send)


def _closing(send: Send) -> Send:
    """Ends the connection with the answer, so that the client's next request goes elsewhere."""

    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_and_close


def parts_of(request: Request) -> Parts:
    parts: Parts = request.scope["app"].state.parts
    return parts


async def read_body(request: Request) -> bytes:
    """The whole body, to be asked for once, without Starlette's async generator. Raises ClientDisconnect."""
    message = await request.receive()
    chunks = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await request.receive()
        chunks.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def json_response(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
