"""FastAPI routes with a body of JSON: bounded before it is parsed, and a large one never holds up the event loop."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from app.api.headers import find_media_type
from app.api.json_limits import MAX_UNCOUNTED_BYTES, SMALL, JsonLimits, not_json, require_within, wrong_media_type

MAX_INLINE_JSON_BYTES = MAX_UNCOUNTED_BYTES
MAX_PARSING_THREADS = 2

Validate = Callable[..., tuple[Any, list[Any]]]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class JsonRoute(APIRoute):
    """A route whose body is parsed and validated before FastAPI sees it; a subclass may have other limits."""

    limits: JsonLimits = SMALL

    def get_route_handler(self) -> Handler:
        handle, field = super().get_route_handler(), self.body_field
        if field is None:
            return handle
        threads = CapacityLimiter(MAX_PARSING_THREADS)

        async def handle_read(request: Request) -> Response:
            body = await request.body()
            if not body:
                return await handle(request)
            if not _is_json(media_type := find_media_type(request.scope)):
                raise wrong_media_type(media_type)  # FastAPI would validate the bytes
            if len(body) <= MAX_INLINE_JSON_BYTES:
                content = self._read(body, field.validate)
            else:
                content = await to_thread.run_sync(self._read, body, field.validate, limiter=threads)
            return await handle(ReadRequest(request, body, content))

        return handle_read

    def _read(self, body: bytes, validate: Validate) -> Any:
        """The body as the endpoint takes it. Raises InvalidInput, RequestValidationError."""
        require_within(body, self.limits)
        try:
            document = json.loads(body)  # it takes NaN too: the field then says what is wrong
        except (ValueError, RecursionError) as error:
            raise not_json(body, error) from None
        content, errors = validate(document, loc=("body",))
        if errors:
            raise RequestValidationError(errors, body=document)
        return content


class ReadRequest(Request):
    """A request whose body has been read, parsed and validated: validating it once more costs nothing."""

    def __init__(self, request: Request, body: bytes, content: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._bytes, self._content = body, content

    async def body(self) -> bytes:
        return self._bytes

    async def json(self) -> Any:
        return self._content


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
