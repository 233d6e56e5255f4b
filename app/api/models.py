"""/v1/models: the versions, their cards and files."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from app.api.dependencies import PartsDependency
from app.api.schemas import everything as schemas
from app.errors import StorageUnavailable
from app.registry import service
from app.registry.tables import ModelVersion

router = APIRouter(prefix="/v1/models", tags=["models"])

MEDIA_TYPES = {
    "json": "application/json",
    "onnx": "application/octet-stream",
    "safetensors": "application/octet-stream",
}

Name = Annotated[str, Path(max_length=40, description="a version or an alias")]


@router.get("", response_model=schemas.ModelList)
def list_models(parts: PartsDependency) -> dict[str, Any]:
    """All versions, newest first."""
    return {"items": [_summarise(*found) for found in service.list_(parts.sessions)]}


@router.get("/{version}", response_model=schemas.Model)
def get_model(version: Name, parts: PartsDependency) -> dict[str, Any]:
    """A version with its card: how it was trained, and how good it is."""
    return render(*service.get(parts.sessions, version))


@router.delete("/{version}", status_code=204)
def delete_model(version: Name, parts: PartsDependency) -> None:
    """Remove a version with its files; not one that serves, or has served, under an alias (409)."""
    deleted, artifacts = service.delete(parts.sessions, version)
    parts.classifiers.forget(deleted)
    for artifact in artifacts:
        with suppress(StorageUnavailable):  # what stays behind is named by no row, and `numeral gc` removes it
            parts.storage.delete(artifact)


@router.get(
    "/{version}/files/{name}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}, "application/json": {}}}},
)
def get_file(version: Name, name: Annotated[str, Path(max_length=80)], parts: PartsDependency) -> Response:
    """`model.onnx`, `weights.safetensors` or `card.json`."""
    content = service.read_file(parts.sessions, parts.storage, version, name)
    return Response(content, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


def _summarise(version: ModelVersion, aliases: list[str]) -> dict[str, Any]:
    card = version.card
    return {
        "version": str(version.number),
        "aliases": aliases,
        "created_at": version.created_at,
        "test_accuracy": card["test"]["accuracy"],
        "validation_accuracy": card["validation"]["accuracy"],
        "dataset": card["dataset"]["name"],
        "recipe": card["recipe"]["name"],
    }


def render(version: ModelVersion, aliases: list[str]) -> dict[str, Any]:
    """A version as `schemas.Model`."""
    here = f"/v1/models/{version.number}/files"
    files = [
        {"name": name, "size": file["size"], "sha256": file["sha256"], "href": f"{here}/{name}"}
        for name, file in version.files.items()
    ]
    return _summarise(version, aliases) | {"card": version.card, "files": files}
