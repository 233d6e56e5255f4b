"""What can go wrong, as exceptions whose words are those of the service's problem documents (RFC 9457)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx


class NumeralError(Exception):
    """The root. `str(error)` is a sentence that says what is wrong and what to do."""


class ConnectionFailed(NumeralError):
    """The service could not be reached, or the connection broke and the request could not be repeated."""


class ConnectionRefused(ConnectionFailed):
    """The host is there, but nothing listens at this port."""


class HostNotFound(ConnectionFailed):
    """No host has this name."""


class TimedOut(ConnectionFailed):
    """The service did not answer in time."""


class UnexpectedAnswer(NumeralError):
    """What answers at this address is not Numeral, or a version that this client does not know."""


class JobFailed(NumeralError):
    """A job that was waited for has failed or was cancelled. `document` is the job; `reason` a word."""

    def __init__(self, document: Any) -> None:
        error = document.error
        self.document, self.reason = document, error.reason if error else document.status
        how = "was cancelled" if document.status == "cancelled" else f"has {document.status}"
        super().__init__(f"Job {document.id} {how}" + (f" ({self.reason}): {error.detail}" if error else "."))


class ApiError(NumeralError):
    """The service refused the request. Its fields are those of the problem document."""

    def __init__(self, status: int, problem: dict[str, Any], *, retry_after: float | None = None, request_id: str = ""):
        self.status, self.retry_after, self.request_id = status, retry_after, request_id
        self.type = str(problem.get("type", "about:blank"))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail") or self.title or f"The service answered {status}.")
        self.instance = str(problem.get("instance", ""))
        self.errors: list[dict[str, str]] = problem.get("errors") or []
        self.problem = problem
        others = [f"{error['location']}: {error['message']}" for error in self.errors[1:]]  # `detail` has the first
        super().__init__("\n".join([self.detail, *others]))


class InvalidInput(ApiError):
    """The request is not valid (4xx that has no class of its own); `errors` names each field."""


class NotAllowed(ApiError):
    """The key is missing or wrong (401), or does not allow this (403)."""


class NotFound(ApiError):
    """There is no such job, version, data set or file (404)."""


class Conflict(ApiError):
    """The present state does not allow it (409), or has changed meanwhile (412)."""


class Unavailable(ApiError):
    """The service is overloaded (429) or cannot serve now (5xx); `retry_after` is in seconds, if it says so."""


NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")  # OpenSSL's names, by its version
CLASSES: dict[int, type[ApiError]] = {
    401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict, 412: Conflict, 429: Unavailable
}  # fmt: skip


def not_found(detail: str) -> NotFound:
    """The exception for what this client knows not to be there."""
    return NotFound(404, {"title": "Not found", "detail": detail})


def from_response(response: httpx.Response) -> NumeralError:
    """The exception for an answer that is no success; its body must have been read."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or not problem.keys() & {"detail", "title"}:
        return UnexpectedAnswer(f"{response.url} answered {response.status_code} without a problem: is it Numeral?")
    status = response.status_code
    kind = CLASSES.get(status, Unavailable if status >= 500 else InvalidInput)
    request_id = response.headers.get("x-request-id", "")
    return kind(status, problem, retry_after=retry_after(response), request_id=request_id)


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of `Retry-After`; None for a date, which Numeral never sends."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def from_transport(error: httpx.TransportError, url: str) -> ConnectionFailed:
    """The exception for a request that was not answered."""
    causes = list(_causes(error))
    host = httpx.URL(url).host
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return HostNotFound(f"There is no host {host!r}. Check the address {url}.")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ConnectionRefused(
            f"Connection refused: nothing listens at {url}. Start a service (`make run`, `numeral up`), or give the "
            "address of one (NUMERAL_URL)."
        )
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectionFailed(f"The certificate of {url} is not accepted: {cause.verify_message}.")
        if isinstance(cause, ssl.SSLError) and cause.reason in NO_TLS:
            return ConnectionFailed(f"What listens at {url} speaks http, not https.")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{url} did not answer in time ({type(error).__name__}).")
    return ConnectionFailed(f"The connection to {url} failed: {error or type(error).__name__}.")


def of(error: httpx.TransportError | NumeralError, url: str) -> NumeralError:
    return from_transport(error, url) if isinstance(error, httpx.TransportError) else error


def cut_off(job_id: str) -> ConnectionFailed:
    return ConnectionFailed(f"The service ends the events of job {job_id} again and again before the job's end.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it; an attempt at several addresses fails with a group of errors."""
    yield error
    for cause in (error.__cause__ or error.__context__, *getattr(error, "exceptions", ())):
        if cause is not None:
            yield from _causes(cause)
