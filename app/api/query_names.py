"""Refuse a name in a query that is plainly meant. Otherwise /v1/predict?version=9 would be answered by the champion.

As with settings, a name that is like none of the known ones is ignored: proxies and browsers add some of their own.
"""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request

from app.errors import InvalidInput
from app.validation_messages import nearest

MAX_LENGTH = 40  # longer names are like none
MAX_NAMES = 20  # the others of a query are not looked at
VERSION_NAMES = frozenset({"model", "version", "alias"})  # refused wherever the query names no version
SYNONYMS: tuple[frozenset[str], ...] = (
    VERSION_NAMES,
    frozenset({"digit", "label", "class"}),
    frozenset({"cursor", "offset", "page", "skip"}),
    frozenset({"limit", "page_size", "per_page", "size"}),
    frozenset({"status", "state"}),
    frozenset({"kind", "type"}),
)


async def require_known_names(request: Request) -> None:
    """A dependency of every endpoint. Raises InvalidInput."""
    if request.scope["query_string"]:
        route = request.scope["route"]
        check_names(request, route, names_of(route))


def check_names(request: Request, route: APIRoute, known: frozenset[str]) -> None:
    """Raises InvalidInput for a name in the query that was most likely meant, and for a value too many of another."""
    names = [name for name, _ in request.query_params.multi_items()]
    for name in list(dict.fromkeys(names))[:MAX_NAMES]:
        if name in known:
            if names.count(name) > 1 and name not in _lists(route):
                raise InvalidInput(f"{name!r} takes one value, not {names.count(name)}.", location=f"query.{name}")
        elif len(name) <= MAX_LENGTH:
            _refuse_if_meant(name, request, route, known)


def names_of(route: APIRoute) -> frozenset[str]:
    """The names that the route's query may have."""
    documented = (route.openapi_extra or {}).get("parameters", ())
    return frozenset(param.alias for param in _declared(route)) | {
        param["name"] for param in documented if param["in"] == "query"
    }


def _refuse_if_meant(name: str, request: Request, route: APIRoute, known: frozenset[str]) -> None:
    lower = name.lower()
    is_api = request.scope["path"].startswith(("/v1/", "/v2/"))  # probes and pages take whatever is sent
    if is_api and route.body_field and name in _body_names(route.body_field.field_info.annotation):
        raise InvalidInput(f"{name!r} goes into the body, not into the query.", location=f"query.{name}")
    synonyms = next((names & known for names in SYNONYMS if lower in names), frozenset[str]())
    if near := next(iter(synonyms), None) or nearest(name, known):
        raise InvalidInput(f"There is no {name!r} in this query; do you mean {near!r}?", location=f"query.{name}")
    if is_api and lower in VERSION_NAMES:
        raise InvalidInput(f"There is no {name!r} in this query.", location=f"query.{name}")


def _declared(route: APIRoute) -> Iterator[Any]:
    return (param for param in get_flat_params(route.dependant) if isinstance(param.field_info, Query))


def _lists(route: APIRoute) -> frozenset[str]:
    """The names that take several values."""
    return frozenset(
        param.alias for param in _declared(route) if get_origin(param.field_info.annotation) in (list, tuple)
    )


def _body_names(annotation: Any) -> frozenset[str]:
    """The fields of a body of this type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return frozenset(annotation.model_fields)
    return frozenset().union(*map(_body_names, get_args(annotation)))
