"""Errors as RFC 9457 problem documents. The one place that knows status codes."""

import errno
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from app import errors
from app.api.encodings import ACCEPTED
from app.api.links import link
from app.redaction import mask_keys, show_path
from app.validation_messages import describe_all, nearest
from models.errors import (
    ArchiveRefused,
    ArchiveTooLarge,
    DescriptorsExhausted,
    ModelError,
    PictureRefused,
    PictureTooLarge,
)

logger = logging.getLogger(__name__)

MAY_SEE_DETAILS = "numeral.may_see_details"  # in the scope of a request: the gate's authorization, and the caller
_logged_at: dict[str, float] = {}  # by the name of an error, time.monotonic()

STATUS: dict[type[Exception], int] = {
    errors.KeyInUrl: 400,
    errors.KeyAmbiguous: 400,
    errors.KeyMissing: 401,
    errors.KeyWrong: 401,
    errors.ScopeMissing: 403,
    errors.OriginRefused: 403,
    errors.RateLimited: 429,
    errors.KeysUnknown: 503,
    errors.JobNotFound: 404,
    errors.ModelNotFound: 404,
    errors.ModelFileNotFound: 404,
    errors.CurvesNotThere: 404,
    errors.PicturesNotThere: 404,
    errors.TrialsNotThere: 404,
    errors.PageNotFound: 404,
    errors.DatasetNotFound: 404,
    errors.PictureNotFound: 404,
    errors.PredictionNotKept: 404,
    errors.JobAlreadyEnded: 409,
    errors.JobNotEnded: 409,
    errors.JobSucceeded: 409,
    errors.JobInUse: 409,
    errors.ModelNotServable: 409,
    errors.GateNotPassed: 409,
    errors.ModelInUse: 409,
    errors.NothingToRollBack: 409,
    errors.DatasetExists: 409,
    errors.DatasetInUse: 409,
    errors.DatasetFull: 409,
    errors.AliasMoved: 412,
    errors.BodyTooLarge: 413,
    PictureTooLarge: 413,
    ArchiveTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    PictureRefused: 422,
    ArchiveRefused: 422,
    errors.DatasetBuiltIn: 422,
    errors.InvalidInput: 422,
    errors.IdempotencyKeyReused: 422,
    errors.DeviceNotPresent: 422,
    errors.TooManyJobs: 429,
    errors.Overloaded: 429,
    errors.ClientGone: 499,
    errors.DeadlineExceeded: 504,
    errors.ModelNotLoaded: 503,
    errors.ShuttingDown: 503,
    errors.DecoderUnavailable: 503,
    DescriptorsExhausted: 503,
    errors.DatabaseUnavailable: 503,
    errors.StorageUnavailable: 503,
    errors.StorageFull: 507,
}

MAX_LISTED_ERRORS = 20
MAX_MESSAGE_LENGTH = 500  # characters of one of them
DETAIL_LOG_SECONDS = 10.0  # between two lines about the same error whose detail was withheld


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def is_v2(path: str) -> bool:
    """Whether errors at this path are {"error": ...}, as the Open Inference Protocol has them."""
    return path == "/v2" or path.startswith("/v2/")


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def send_error(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to a request with `error`, for what does not go through FastAPI's exception handlers."""
    response = await respond(Request(scope), error)
    await response(scope, receive, send)


async def respond(request: Request, error: Exception) -> Response:
    return await next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)(request, error)


def describe(error: Exception) -> dict[str, Any]:
    """Type, title, status and detail of a known error, without the request it happened in."""
    kind = type(error)
    status = next(STATUS[each] for each in kind.__mro__ if each in STATUS)
    return {"type": f"urn:numeral:{kind.__name__}", "title": title_of(kind), "status": status, "detail": str(error)}


def title_of(kind: type[Exception]) -> str:
    """The name of the error in words."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    return words.strip().capitalize()


def problem(request: Request, document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    status, path = document["status"], request.scope["path"]
    if is_v2(path):
        content = orjson.dumps({"error": mask_keys(document["detail"])})
        return Response(content, 400 if status == 422 else status, headers, "application/json")
    document = document | {"detail": mask_keys(document["detail"]), "instance": link(show_path(path))}
    return ProblemResponse(document, status, headers)


async def _known(request: Request, error: Exception) -> Response:
    document = describe(error)
    if isinstance(error, errors.AppError):
        if error.public_detail and not _may_see_details(request):
            _log_withheld(error)
            document["detail"] = error.public_detail
        if error.location:
            document["errors"] = [{"location": error.location, "message": mask_keys(document["detail"])}]
    if isinstance(error, errors.GateNotPassed):
        document["reasons"] = error.reasons
    return problem(request, document, _headers(error, document["status"]))


def _may_see_details(request: Request) -> bool:
    """Whether the caller may learn of hosts, ports and folders. The gate says so; a stranger where there is none."""
    authorization, caller = request.scope.get(MAY_SEE_DETAILS, (None, None))
    return authorization is not None and authorization.may_see_details(caller)


def _log_withheld(error: errors.AppError) -> None:
    name, now = type(error).__name__, time.monotonic()
    if now - _logged_at.get(name, -math.inf) >= DETAIL_LOG_SECONDS:
        _logged_at[name] = now
        logger.warning("a client was told of %s without this detail: %s", name, error)


def _headers(error: Exception, status: int) -> dict[str, str] | None:
    if isinstance(error, errors.UnsupportedEncoding):
        return {"Accept-Encoding": ", ".join(ACCEPTED)}  # RFC 9110, section 15.5.16
    if status == 401:
        reason = ', error="invalid_token"' if isinstance(error, errors.KeyWrong) else ""
        return {"WWW-Authenticate": f'Bearer realm="numeral"{reason}'}
    if isinstance(error, errors.BodyTooLarge):
        return {"Connection": "close"}  # the rest of the body is not read
    return {"Retry-After": _retry_after(error)} if status in (429, 503) else None


def _retry_after(error: Exception) -> str:
    """Seconds. A queue of jobs takes longer to clear than anything else."""
    if isinstance(error, errors.RateLimited):
        return str(error.retry_after)
    return "10" if isinstance(error, errors.TooManyJobs) else "1"


async def _invalid(request: Request, error: Exception) -> Response:
    findings = describe_all(error.errors(), error.body) if isinstance(error, RequestValidationError) else []
    found = [
        {"location": _printable(".".join(finding.location)), "message": _printable(finding.message)}
        for finding in findings
    ]
    first = f"{found[0]['location']}: {found[0]['message']}" if found else "It cannot be read"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    end = "" if first.endswith(("?", ".")) else "."
    return problem(
        request,
        {
            "type": "urn:numeral:InvalidInput",
            "title": "Invalid input",
            "status": 422,
            "detail": f"The request is not valid. {first}{end}{more}",
            "errors": found[:MAX_LISTED_ERRORS],
        },
    )


async def _http(request: Request, error: Exception) -> Response:
    if isinstance(error.__cause__, errors.BodyTooLarge):  # FastAPI makes a 400 of what is raised while it reads a body
        return await _known(request, error.__cause__)
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    detail = str(getattr(error, "detail", ""))
    if status == 400:  # what FastAPI raises for a body that it cannot decode as JSON
        status, detail = 422, "The body is not JSON that can be read: is it UTF-8, and not nested too deep?"
    elif status == 404:
        if (other := _other_spelling(request)) is not None:
            return RedirectResponse(other, 307)
        where = f"{show_path(request.scope['path'])}{_suggest_path(request)}"
        detail = f"There is nothing at {where}{'' if where.endswith('?') else '.'} GET /docs shows what there is."
    elif status == 405:
        headers["Allow"] = _allowed_methods(request)
        detail = f"{show_path(request.scope['path'])} does not take {request.method}; it takes {headers['Allow']}."
    title = HTTPStatus(status).phrase
    return problem(request, {"type": "about:blank", "title": title, "status": status, "detail": detail}, headers)


def _allowed_methods(request: Request) -> str:
    """The methods of all routes of this path; Starlette's own answer names those of one route only."""
    path = next(route.path for route in _routes(request) if route.matches(request.scope)[0] != Match.NONE)
    methods = {method for route in _routes(request) if route.path == path for method in route.methods or ()}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


def _routes(request: Request) -> Iterator[Route]:
    """Those of all routers, and FastAPI's own."""
    own = (route for route in request.app.routes if isinstance(route, Route))
    return chain(request.app.state.routes, own)


def _is_route(request: Request, **changes: str) -> bool:
    """Whether some route takes the request with these changes of its scope."""
    scope = {**request.scope, **changes}
    return any(route.matches(scope)[0] == Match.FULL for route in request.app.routes)


def _other_spelling(request: Request) -> str | None:
    """The path with a slash at its end, or without, if something is there. Relative: no host that the client named."""
    path = request.scope["path"]
    other = path.rstrip("/") if path.endswith("/") else f"{path}/"
    if path.startswith("//") or not other or not _is_route(request, path=other):  # // would be another host
        return None
    query = request.scope["query_string"].decode("latin-1")
    return link(quote(other)) + (f"?{query}" if query else "")


def _suggest_path(request: Request) -> str:
    """The end of a sentence: the path that differs in one part only, where that is near."""
    parts, known = request.scope["path"].split("/"), dict[int, list[str]]()
    for path in request.app.state.paths:
        names = path.split("/")
        if len(names) != len(parts):
            continue
        differing = [n for n, name in enumerate(names) if name != parts[n] and not name.startswith("{")]
        if len(differing) == 1:
            known.setdefault(differing[0], []).append(names[differing[0]])
    for position, names in known.items():
        if guess := nearest(parts[position], names):
            return f"; do you mean {show_path('/'.join([*parts[:position], guess, *parts[position + 1 :]]))}?"
    return ""


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it: the client disconnected while it sent


async def _unknown(request: Request, error: Exception) -> Response:
    logger.error("unexpected error at %s %s", request.method, show_path(request.scope["path"]), exc_info=error)
    return problem(
        request,
        {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "The service failed unexpectedly; its log has the details.",
        },
    )


async def _system(request: Request, error: Exception) -> Response:
    """What the system refused; past the limit of file descriptors that is not for long."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return await _known(
            request, DescriptorsExhausted("The server has no free file descriptor. Ask again in a second.")
        )
    return await _unknown(request, error)


def _printable(part: object) -> str:
    text = str(part)
    shown = text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[:MAX_MESSAGE_LENGTH]}..."
    return mask_keys(shown).encode("utf-8", "replace").decode()


HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    errors.AppError: _known,
    ModelError: _known,
    RequestValidationError: _invalid,
    HTTPException: _http,
    ClientDisconnect: _gone,
    OSError: _system,
    Exception: _unknown,
}
