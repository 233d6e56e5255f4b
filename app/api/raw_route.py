"""Routes for what must be fast: in the OpenAPI document like all others, but without FastAPI's request handling.

FastAPI's dependencies and the validation of answers take 0.2 ms a request, more than the network. A raw endpoint takes
a Request and returns a Response; what it raises becomes a problem document as everywhere else.
"""

from collections.abc import Iterable

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from app.api import error_handlers


class RawRoute(APIRoute):
    """A route whose endpoint is `async (Request) -> Response`; `openapi_extra` says what it documents."""

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


class PictureRoute(RawRoute):
    """A raw route whose body holds pictures: it may be as large as NUMERAL_MAX_BODY_BYTES says."""


class RawRoutes:
    """Finds the raw route of a request without going through all routers."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        raw = [route for route in routes if isinstance(route, RawRoute)]
        self._by_path = {(method, route.path): route for route in raw for method in route.methods or ()}
        self._with_parameters = [route for route in raw if route.param_convertors]

    def find(self, scope: Scope) -> RawRoute | None:
        """The route of a path without parameters."""
        return self._by_path.get((scope["method"], scope["path"]))

    def takes_pictures(self, scope: Scope) -> bool:
        """Whether the request's route, with parameters in its path or without, is a PictureRoute."""
        route = self.find(scope)
        if route is not None:
            return isinstance(route, PictureRoute)
        path = scope["path"]
        return any(isinstance(route, PictureRoute) and route.path_regex.match(path) for route in self._with_parameters)


async def read_body(request: Request) -> bytes:
    """The whole body, to be read once, without Starlette's async generator. Raises ClientDisconnect."""
    message = await request.receive()
    chunks = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await request.receive()
        chunks.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
