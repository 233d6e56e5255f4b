"""Routes for what has to be quick: in the OpenAPI document like all others, but answered without FastAPI's machinery.

That machinery (dependencies, validation of the answer) takes 0.2 ms a request, more than the network. Such an endpoint
takes a Request and returns a Response; what it raises becomes a problem document like everywhere else.
"""

import re
import time
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.dependencies import Parts
from app.errors import InvalidInput
from app.serving.turns import Turn

TIMEOUT = "X-Request-Timeout"
SECONDS = re.compile(r"\d{1,6}(\.\d{1,9})?", re.ASCII)

TIMEOUT_PARAMETER = {
    "name": TIMEOUT, "in": "header", "schema": {"type": "string", "pattern": f"^{SECONDS.pattern}$"},
    "description": "seconds from arrival within which the computation must begin; 504 otherwise",
}  # fmt: skip


class BareRoute(APIRoute):
    """A route whose endpoint is `async (Request) -> Response`; what it documents is up to `openapi_extra`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.methods and scope["method"] in self.methods:
            response = await self.endpoint(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await super().handle(scope, receive, send)


def parts_of(request: Request) -> Parts:
    parts: Parts = request.scope["app"].state.parts
    return parts


def json_response(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")


def read_turn(request: Request) -> Turn:
    """What the client allows this request. Raises InvalidInput."""
    cycle = getattr(request.receive, "__self__", None)  # uvicorn's; to await `receive` instead would cost a task each
    return Turn(_read_deadline(request), lambda: getattr(cycle, "disconnected", False))


def _read_deadline(request: Request) -> float | None:
    timeout = request.headers.get(TIMEOUT)
    if timeout is None:
        return None
    if not SECONDS.fullmatch(timeout):
        raise InvalidInput(
            f"{TIMEOUT} must be a number of seconds such as 0.5, not {timeout[:40]!r}.", location=f"header.{TIMEOUT}"
        )
    return time.monotonic() + float(timeout)
