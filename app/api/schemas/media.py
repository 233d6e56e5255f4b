"""Bodies that are no JSON, in the OpenAPI document."""

from typing import Any

Responses = dict[int | str, dict[str, Any]]
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
TEXT: dict[str, Any] = {"schema": {"type": "string"}}


def ref(name: str) -> dict[str, str]:
    """A schema among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def answers(status: int, **what: Any) -> Responses:
    """`responses` of an endpoint: what there is to say of the answers with this status."""
    return {status: what}


def headers(*names: str) -> dict[str, Any]:
    """The headers of an answer, of those in openapi.py."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def sends(*media_types: str) -> Responses:
    """`responses` of an endpoint that sends a body of one of these types."""
    return {200: {"content": {media_type: dict(_describe(media_type)) for media_type in media_types}}}


def _describe(media_type: str) -> dict[str, Any]:
    if media_type == "application/json":
        return {"schema": {"type": "object", "additionalProperties": True}}
    return TEXT if media_type.startswith("text/") or media_type == "image/svg+xml" else BINARY
