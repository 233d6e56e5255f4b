"""Errors as the OpenAPI document and docs/errors.md describe them: the type, the title, the status and the meaning."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from app import errors as errors_of_app
from app.api.error_handlers import STATUS, title_of
from app.api.schemas.media import Responses
from app.api.schemas.problems import Problem
from models import errors as errors_of_models


class DocumentedError(NamedTuple):
    """An error that a client can meet."""

    type: str
    title: str
    status: int
    meaning: str


def describe(kind: type[Exception]) -> DocumentedError:
    status = next(STATUS[each] for each in kind.__mro__ if each in STATUS)
    meaning = " ".join((kind.__doc__ or "").split()).partition(". `")[0].rstrip(".")
    meaning = meaning.removeprefix("Raised if ")
    return DocumentedError(f"urn:numeral:{kind.__name__}", title_of(kind), status, f"{meaning[0].upper()}{meaning[1:]}")


def all_errors() -> list[DocumentedError]:
    """Those of STATUS and their children in `errors`, by status and name."""
    known = [kind for module in (errors_of_app, errors_of_models) for kind in vars(module).values()]
    kinds = [kind for kind in known if isinstance(kind, type) and any(each in STATUS for each in kind.__mro__)]
    return sorted(map(describe, kinds), key=lambda error: (error.status, error.type))


def errors(*kinds: type[Exception]) -> Responses:
    """`responses` of an endpoint that may answer with these errors, beside those that every endpoint may."""
    by_status: dict[int | str, list[DocumentedError]] = {}
    for error in map(describe, kinds):
        by_status.setdefault(error.status, []).append(error)
    return {
        status: {
            "model": Problem,
            "description": list_meanings(found),
            "content": {"application/json": {"example": example(found[0])}},
        }
        for status, found in by_status.items()
    }


def example(error: DocumentedError) -> dict[str, Any]:
    """A problem document of this error."""
    named = {"type": error.type, "title": error.title, "status": error.status}
    return named | {"detail": f"{error.meaning}.", "instance": "/v1/..."}


def list_meanings(found: Iterable[DocumentedError]) -> str:
    return " ".join(f"`{error.type.rpartition(':')[2]}`: {error.meaning}." for error in found)
