"""What every request passes before anything else: who asks, may they, how often; and what every answer carries.

Plain ASGI around the whole application, since it is paid for by every prediction: benchmarks/overhead.py says how much.
"""

import asyncio
import itertools
import logging
import re
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.authorization import Admission, Caller
from app.api import error_handlers
from app.api.middleware.security_headers import DATA, Headers
from app.errors import AppError, ShuttingDown
from app.logs import bind
from app.metrics.metrics import Metrics

audit = logging.getLogger("numeral.audit")

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
UNMATCHED, OTHER_METHOD, NEVER_ANSWERED = "(none)", "OTHER", 499
PROCESS = secrets.token_hex(4)  # what request ids of this process begin with
TOLD = frozenset((b"authorization", b"host", b"origin", b"x-api-key", b"x-request-id"))  # what a caller says of itself
CREATED = (200, 201, 202, 303)
CHANGING = ("DELETE", "PATCH", "POST", "PUT")
NOT_CHANGING = re.compile(r"/v1/(predict|read|backprop)(/.*)?|/v2(/.*)?")  # POST because they have a body
POLICY = (b"content-security-policy", DATA.encode())  # where an answer has none of its own


_numbers = itertools.count(1)


@dataclass(slots=True)
class Answer:
    """What is known of an answer once it has begun."""

    status: int = NEVER_ANSWERED
    seconds: float = 0.0
    location: str | None = None


class Gate:
    """ASGI middleware: request ids, keys, scopes, rate limits, headers, counts, and the audit log."""

    def __init__(self, app: ASGIApp, *, admission: Admission, metrics: Metrics, headers: Headers) -> None:
        self._app, self._admission, self._metrics = app, admission, metrics
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        caller = read_caller(scope)
        bind(request_id=caller.request_id)
        answer = Answer()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.seconds = message["status"], time.perf_counter() - start
                headers = [*message["headers"], *self._headers, (b"x-request-id", caller.request_id.encode())]
                names = [name for name, _ in headers]
                if POLICY[0] not in names:
                    headers.append(POLICY)
                if answer.status in CREATED and b"location" in names:
                    answer.location = headers[names.index(b"location")][1].decode()
                message["headers"] = headers
            await send(message)

        try:
            refusal = self._judge(scope, caller)
            if refusal is None:
                await self._app(scope, receive, send_with_headers)
            else:
                await _refuse(refusal, scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the process ends, and has waited for this request as long as it may
            if answer.status != NEVER_ANSWERED:
                raise
            ending = ShuttingDown(
                "This process had to end before it could answer; ask again. What was asked may have been done: an "
                "Idempotency-Key keeps a job from being made twice."
            )
            await _refuse(ending, scope, receive, send_with_headers)
        finally:
            self._record(scope, caller, answer)

    def _judge(self, scope: Scope, caller: Caller) -> AppError | None:
        """What stands against the request."""
        try:
            self._admission.admit(scope["method"], scope["path"], scope["query_string"], caller)
        except AppError as error:
            self._metrics.refused.add(1, type(error).__name__)
            return error.with_traceback(None)
        return None

    def _record(self, scope: Scope, caller: Caller, answer: Answer) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        route = getattr(scope.get("route"), "path", UNMATCHED)
        self._metrics.answered(method, route, str(answer.status), answer.seconds)
        if is_changing(method, scope["path"]):
            audit.info(
                "%s %s %d",
                method,
                answer.location or scope["path"],
                answer.status,
                extra={"key": caller.key_id or "none", "address": caller.address, "route": route},
            )


async def _refuse(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    response = await error_handlers.respond(Request(scope), error)
    await response(scope, receive, send)


@lru_cache(maxsize=256)
def is_changing(method: str, path: str) -> bool:
    """Whether such a request changes something, so that it is written down who made it."""
    return method in CHANGING and not NOT_CHANGING.fullmatch(path)


def read_caller(scope: Scope) -> Caller:
    """Who asks, as far as the headers say."""
    headers = {name: value for name, value in scope["headers"] if name in TOLD}
    request_id = headers.get(b"x-request-id", b"")
    return Caller(
        scope["client"][0] if scope.get("client") else "unknown",
        request_id.decode() if REQUEST_ID.fullmatch(request_id) else f"{PROCESS}{next(_numbers):08x}",
        headers.get(b"authorization", b""),
        headers.get(b"x-api-key", b""),
        headers.get(b"origin", b""),
        headers.get(b"host", b""),
    )
