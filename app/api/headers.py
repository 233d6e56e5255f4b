"""Finds a header of a request. Each look at Starlette's `Headers` takes 1 us more, in each prediction."""

from starlette.types import Scope


def find_header(scope: Scope, name: bytes) -> str | None:
    """The value of the first header of this name, which is in lower case; None if there is none."""
    for each, value in scope["headers"]:  # a generator would take twice the time
        if each == name:
            return value.decode("latin-1")  # type: ignore[no-any-return]
    return None


def find_media_type(scope: Scope) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return (find_header(scope, b"content-type") or "").partition(";")[0].strip().lower()
