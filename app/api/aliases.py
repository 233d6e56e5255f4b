"""/v1/models/aliases: which version serves under which name, since when and why."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response

from app.api.dependencies import ServicesDependency, require_json
from app.api.documented_errors import errors
from app.api.json_route import JsonRoute
from app.api.model_documents import render
from app.api.responses import json_response
from app.api.schemas import models as schemas
from app.api.schemas.media import answers, headers
from app.errors import AliasMoved, GateNotPassed, InvalidInput, ModelNotFound, ModelNotServable, NothingToRollBack
from app.registry import aliases, service
from app.registry.tables import AliasChange
from app.services import Services

router = APIRouter(prefix="/v1/models/aliases", tags=["models"], route_class=JsonRoute)

TAGGED = answers(200, headers=headers("ETag"))
AliasName = Annotated[str, Path(pattern=f"^{service.ALIAS.pattern}$", description="a lower-case word")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=50, description="the version that must serve now, as in `ETag`")
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="`*`: only if the alias does not exist yet")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many to list at most")]


@router.get("", response_model=schemas.AliasHistory)
def list_aliases(services: ServicesDependency) -> dict[str, Any]:
    """All aliases, by name: which version each stands for, since when and why."""
    return {"items": [_encode_change(change) for change in aliases.list_(services.sessions)]}


@router.get("/{alias}", response_model=schemas.AliasChange, responses=TAGGED | errors(ModelNotFound))
def get_alias(alias: AliasName, services: ServicesDependency, response: Response) -> dict[str, Any]:
    """The version that serves under an alias now. `If-Match` takes its `ETag`."""
    present = _encode_change(aliases.current(services.sessions, alias))
    response.headers["ETag"] = f'"{present["version"]}"'
    return present


@router.get("/{alias}/history", response_model=schemas.AliasHistory, responses=errors(ModelNotFound))
def list_alias_changes(alias: AliasName, services: ServicesDependency, limit: Limit = 100) -> dict[str, Any]:
    """Which versions served under an alias, newest first; the one with no `until` serves now."""
    return {"items": [_encode_change(change) for change in aliases.history(services.sessions, alias, limit=limit)]}


@router.put(
    "/{alias}",
    response_model=schemas.Model,
    responses=TAGGED | errors(ModelNotFound, ModelNotServable, GateNotPassed, AliasMoved),
    dependencies=[Depends(require_json)],
)
def set_alias(
    alias: AliasName,
    target: schemas.AliasTarget,
    services: ServicesDependency,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Point an alias at a version. `champion` is the one that answers predictions; it changes at once.

    A champion must pass the gate: at least 99.40 % of MNIST's test set, and not worse than the present one on MNIST's
    validation set and on pictures of the kinds that people send. Otherwise 409 with the `reasons`, unless `force`.

    With `If-Match` or `expected_version`, only if the alias still stands for that version; with `If-None-Match: *`,
    only if it does not exist yet. Otherwise 412.
    """
    expected = _expected(if_match, target.expected_version)
    reason = f"set by a client: {target.reason}" if target.reason else "set by a client"
    try:
        services.model_cache.get(target.version)  # loaded before it serves; if that fails, nothing changes
        aliases.set_alias(
            services.sessions,
            alias,
            target.version,
            expected=expected,
            unless=_version_of(if_none_match),
            reason=reason,
            storage=services.storage,
            force=target.force,
        )
    except ModelNotFound as error:
        error.location = "body.version"
        raise
    return _answer(services, alias)


@router.delete("/{alias}", status_code=204, responses=errors(ModelNotFound, ModelNotServable, AliasMoved))
def remove_alias(alias: AliasName, services: ServicesDependency, if_match: IfMatch = None) -> None:
    """Remove an alias; its history stays. Never `champion` (409)."""
    aliases.remove(services.sessions, alias, expected=_expected(if_match, None))
    services.model_cache.refresh()


@router.post(
    "/{alias}/rollback",
    response_model=schemas.Model,
    responses=TAGGED | errors(ModelNotFound, NothingToRollBack, AliasMoved),
)
def roll_back_alias(
    alias: AliasName,
    services: ServicesDependency,
    condition: Annotated[schemas.AliasCondition | None, Body()] = None,
    if_match: IfMatch = None,
) -> Response:
    """Point an alias at the version that served before; once more, at the one before that. No body is needed."""
    expected = _expected(if_match, condition.expected_version if condition else None)
    aliases.roll_back(services.sessions, alias, expected=expected, load=services.model_cache.get)
    return _answer(services, alias)


def _expected(if_match: str | None, expected_version: str | None) -> str | None:
    header = _version_of(if_match)
    if None not in (header, expected_version) and header != expected_version:
        raise InvalidInput(
            "If-Match and expected_version name different versions; give one of them.", location="header.If-Match"
        )
    return header if header is not None else expected_version


def _version_of(tag: str | None) -> str | None:
    return tag.strip().removeprefix("W/").strip('"') if tag is not None else None


def _answer(services: Services, alias: str) -> Response:
    services.model_cache.refresh()
    version, names = service.get(services.sessions, alias)
    response = json_response(render(version, names))
    response.headers["ETag"] = f'"{version.number}"'
    return response


def _encode_change(change: AliasChange) -> dict[str, Any]:
    columns = ("alias", "since", "until", "reason", "forced")
    return {"version": str(change.version)} | {name: getattr(change, name) for name in columns}
