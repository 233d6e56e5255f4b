"""Routes for what must be fast: in the OpenAPI document like all others, but without FastAPI's request handling.

FastAPI's dependencies and the validation of answers take 0.2 ms a request, more than the network. A raw endpoint takes
a Request and returns a Response; what it raises becomes a problem document as everywhere else.
"""

from collections.abc import Iterable
from functools import cached_property

from anyio import to_thread
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.api import error_handlers
from app.api.body_limit import limit_body
from app.api.query_names import check_names, names_of

MAX_JSON_BYTES = 2**20  # of a body that holds no pictures
MAX_INLINE_BODY_BYTES = 2**20  # of a body whose parts are joined on the event loop, in 1 ms; 32 MB take 30 ms


class RawRoute(APIRoute):
    """A route whose endpoint is `async (Request) -> Response`; `openapi_extra` says what it documents."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.methods and scope["method"] in self.methods:
            await self.answer(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    @cached_property
    def query_names(self) -> frozenset[str]:
        """The names that the query may have."""
        return names_of(self)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request that this route matches."""
        try:
            limited = limit_body(scope, receive, max_bytes=self.max_body_bytes(scope))
            request = Request(scope, limited)
            if scope["query_string"]:
                check_names(request, self, self.query_names)
            response = await self.endpoint(request)
        except Exception as error:
            response = await error_handlers.respond(Request(scope), error)
        await response(scope, receive, send)

    def max_body_bytes(self, scope: Scope) -> int:
        return MAX_JSON_BYTES


class PictureRoute(RawRoute):
    """A raw route whose body holds pictures."""

    def max_body_bytes(self, scope: Scope) -> int:
        limit: int = scope["app"].state.services.settings.max_body_bytes
        return limit


class UploadRoute(RawRoute):
    """A raw route whose body goes to a file on disk."""

    def max_body_bytes(self, scope: Scope) -> int:
        limit: int = scope["app"].state.services.settings.max_upload_bytes
        return limit


class RawRoutes:
    """Finds the raw route of a request without going through all routers."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        raw = [route for route in routes if isinstance(route, RawRoute)]
        self._by_path = {
            (method, route.path): route for route in raw if not route.param_convertors for method in route.methods or ()
        }
        self._with_parameters = [route for route in raw if route.param_convertors]

    def find(self, scope: Scope) -> RawRoute | None:
        """The route; the parameters of its path are put into the scope."""
        route = self._by_path.get((scope["method"], scope["path"]))
        return route or next((route for route in self._with_parameters if _matches(route, scope)), None)


def _matches(route: RawRoute, scope: Scope) -> bool:
    match, found = route.matches(scope)
    if match is Match.FULL:
        scope.update(found)
    return match is Match.FULL


async def read_body(request: Request) -> bytes:
    """The whole body, to be read once, without Starlette's async generator. Raises ClientDisconnect."""
    message = await request.receive()
    chunks: list[bytes] = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await request.receive()
        chunks.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    if len(chunks) == 1:
        return chunks[0]
    if sum(map(len, chunks)) <= MAX_INLINE_BODY_BYTES:
        return b"".join(chunks)
    return await to_thread.run_sync(b"".join, chunks)  # it releases the interpreter's lock
