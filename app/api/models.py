"""/v1/models: the versions, their cards and files."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from app.api.dependencies import ServicesDependency, require_json
from app.api.documented_errors import errors
from app.api.downloads import Download, open_artifact
from app.api.json_route import JsonRoute
from app.api.model_documents import render, summarise
from app.api.path_parameters import VersionName
from app.api.responses import json_response
from app.api.schemas import models as schemas
from app.api.schemas.media import sends
from app.errors import ModelFileNotFound, ModelInUse, ModelNotFound, StorageUnavailable
from app.jobs.inputs import require_version_unused
from app.registry import service

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=JsonRoute)

MEDIA_TYPES = {
    "json": "application/json",
    "onnx": "application/octet-stream",
    "png": "image/png",
    "safetensors": "application/octet-stream",
}


@router.get("", response_model=schemas.ModelList)
def list_models(services: ServicesDependency) -> dict[str, Any]:
    """All versions, newest first."""
    return {"items": [summarise(*found) for found in service.list_(services.sessions)]}


@router.get("/{version}", response_model=schemas.Model, responses=errors(ModelNotFound))
def get_model(version: VersionName, services: ServicesDependency) -> Response:
    """A version with its card: how it was trained, and how good it is."""
    return json_response(render(*service.get(services.sessions, version)))  # the card as it was written


@router.patch(
    "/{version}",
    response_model=schemas.Model,
    responses=errors(ModelNotFound),
    dependencies=[Depends(require_json)],
)
def annotate_model(version: VersionName, changes: schemas.ModelNote, services: ServicesDependency) -> Response:
    """Write a note on a version, in place of the one it has; null removes it."""
    service.set_note(services.sessions, version, changes.note)
    return json_response(render(*service.get(services.sessions, version)))


@router.delete("/{version}", status_code=204, responses=errors(ModelNotFound, ModelInUse))
def delete_model(version: VersionName, services: ServicesDependency) -> None:
    """Remove a version with its files; not one that has an alias, or from which an open job or another version starts
    (409)."""
    deleted, artifacts = service.delete(services.sessions, version, require_unused=require_version_unused)
    services.model_cache.forget(deleted)
    for artifact in artifacts:
        with suppress(StorageUnavailable):  # no row names what is left; `numeral gc` removes it
            services.storage.delete(artifact)


@router.get(
    "/{version}/files/{name}",
    response_class=Response,
    responses=sends("application/octet-stream", "application/json", "image/png")
    | errors(ModelNotFound, ModelFileNotFound),
)
def get_model_file(
    version: VersionName, name: Annotated[str, Path(max_length=80)], services: ServicesDependency
) -> Response:
    """`model.onnx`, `weights.safetensors`, `card.json` or `hardest.png`."""
    file = service.find_file(services.sessions, version, name)
    return Download(
        services.downloads,
        lambda: open_artifact(services.storage, file.name, sha256=file.sha256),
        media_type=MEDIA_TYPES[name.rpartition(".")[2]],
        size=file.size,
    )
