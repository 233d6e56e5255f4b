"""Refuse a misspelt name in a query. Otherwise it would be ignored: /v1/predict?modle=9 is answered by the champion.

As with settings, a name that is like none of the known ones is ignored: proxies and browsers add some of their own.
"""

from difflib import get_close_matches

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.requests import Request

from app.errors import InvalidInput

MIN_LIKENESS = 0.7  # difflib's ratio
MAX_LENGTH = 40  # longer names are like none
MAX_NAMES = 20  # the others of a query are not looked at


async def require_known_names(request: Request) -> None:
    """A dependency of every endpoint. Raises InvalidInput."""
    if request.scope["query_string"]:
        check_names(request, names_of(request.scope["route"]))


def check_names(request: Request, known: frozenset[str]) -> None:
    """Raises InvalidInput for a name in the query that is most likely one of the known ones, misspelt."""
    for name in list(request.query_params)[:MAX_NAMES]:
        if name in known or len(name) > MAX_LENGTH:
            continue
        for near in get_close_matches(name.lower(), known, n=1, cutoff=MIN_LIKENESS):
            raise InvalidInput(f"There is no {name!r} in this query; do you mean {near!r}?", location=f"query.{name}")


def names_of(route: APIRoute) -> frozenset[str]:
    """The names that the route's query may have."""
    declared = (param.alias for param in get_flat_params(route.dependant) if isinstance(param.field_info, Query))
    documented = (route.openapi_extra or {}).get("parameters", ())
    return frozenset(declared) | {param["name"] for param in documented if param["in"] == "query"}
