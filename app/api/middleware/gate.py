"""Identifies and authorizes each request, adds headers to each response, and counts both.

One middleware for all of it, since every prediction pays for each layer: benchmarks/overhead.py says how much.
"""

import asyncio
from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from app.access.authorization import Authorization, Caller
from app.api.error_handlers import MAY_SEE_DETAILS, send_error
from app.api.middleware.audit import write_audit_line
from app.api.middleware.caller import read_caller
from app.api.middleware.response_headers import NEVER_ANSWERED, Outcome, with_headers
from app.api.security_headers import Headers
from app.errors import AppError, ScopeMissing, ShuttingDown
from app.metrics.recorder import Recorder

METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
UNMATCHED, OTHER_METHOD = "(none)", "OTHER"


class Gate:
    """ASGI middleware: identifies the caller, authorizes the request, and records how it was answered."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authorization: Authorization,
        recorder: Recorder,
        headers: Headers,
        routes: Sequence[BaseRoute],
    ) -> None:
        self._app, self._authorization, self._recorder, self._headers = app, authorization, recorder, headers
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller, outcome = read_caller(scope), Outcome()
        bind_contextvars(request_id=caller.request_id)
        scope[MAY_SEE_DETAILS] = self._authorization, caller
        send = with_headers(send, self._headers, caller.request_id, outcome)
        try:
            error = self._authorize(scope, caller)
            if error is None:
                await self._app(scope, receive, send)
            else:
                await send_error(error, scope, receive, send)
        except asyncio.CancelledError:  # the process ends, and has waited for this request as long as it may
            if outcome.status != NEVER_ANSWERED:
                raise
            await send_error(_interrupted(), scope, receive, send)
        finally:
            self._record(scope, caller, outcome)

    def _authorize(self, scope: Scope, caller: Caller) -> AppError | None:
        """The reason for which the request is rejected, if there is one."""
        try:
            self._authorization.authorize(scope["method"], scope["path"], scope["query_string"], caller)
        except AppError as error:
            if isinstance(error, ScopeMissing) and self._is_nowhere(scope):
                return None  # 404: no other key would find anything there
            self._recorder.record_refusal(type(error).__name__)
            return error.with_traceback(None)
        return None

    def _is_nowhere(self, scope: Scope) -> bool:
        return all(route.matches(scope)[0] is Match.NONE for route in self._routes)

    def _record(self, scope: Scope, caller: Caller, outcome: Outcome) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        route = getattr(scope.get("route"), "path", UNMATCHED)
        self._recorder.record_request(method, route, str(outcome.status), outcome.seconds)
        write_audit_line(caller, method, scope["path"], route, outcome.status, outcome.location)


def _interrupted() -> ShuttingDown:
    return ShuttingDown(
        "This process had to end before it could answer; ask again. What was asked may have been done: an "
        "Idempotency-Key keeps a job from being made twice."
    )
