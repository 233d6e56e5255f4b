"""Model versions as documents, for all resources that answer with one."""

from typing import Any

from app.api.links import link
from app.registry.service import job_of
from app.registry.tables import ModelVersion


def summarise(version: ModelVersion, aliases: list[str]) -> dict[str, Any]:
    """A version as `schemas.models.ModelSummary`."""
    card = version.card
    return {
        "version": str(version.number),
        "aliases": aliases,
        "created_at": version.created_at,
        "test_accuracy": card["test"]["accuracy"],
        "validation_accuracy": card["validation"]["accuracy"],
        "dataset": card["dataset"]["name"],
        "recipe": card["recipe"]["name"],
        "job": job_of(version),
        "note": version.note,
    }


def render(version: ModelVersion, aliases: list[str]) -> dict[str, Any]:
    """A version as `schemas.models.Model`."""
    here = link(f"/v1/models/{version.number}/files")
    files = [
        {"name": name, "size": file["size"], "sha256": file["sha256"], "href": f"{here}/{name}"}
        for name, file in version.files.items()
    ]
    return summarise(version, aliases) | {"card": version.card, "files": files}
