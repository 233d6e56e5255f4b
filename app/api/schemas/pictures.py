"""How the OpenAPI document describes requests about pictures, which endpoints decode by themselves."""

from typing import Any

from app.api.request_context import TIMEOUT_PARAMETER
from app.serving.model_cache import CHAMPION

PICTURE_TYPES = (
    *("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif"),
    *("image/tiff", "image/avif", "image/heic", "image/heif"),
)
MAX_PICTURES = 256  # in one batch
MAX_MODEL_LENGTH = 40  # letters of a version or an alias

PIXELS = {
    "oneOf": [
        {"type": "array", "minItems": 28, "maxItems": 28, "items": {"type": "array", "minItems": 28, "maxItems": 28,
         "items": {"type": "number", "minimum": 0, "maximum": 255}}},
        {"type": "array", "minItems": 784, "maxItems": 784, "items": {"type": "number", "minimum": 0, "maximum": 255}},
    ]
}  # fmt: skip
ITEM = {
    "oneOf": [
        {"type": "object", "additionalProperties": False, "required": ["image"],
         "properties": {"image": {"type": "string", "minLength": 1, "description": "base64 or a data URL"}}},
        {"type": "object", "additionalProperties": False, "required": ["pixels"], "properties": {"pixels": PIXELS}},
    ]
}  # fmt: skip
BINARY = {"schema": {"type": "string", "format": "binary"}}
MODEL = {"name": "model", "in": "query", "description": "a version or an alias",
         "schema": {"type": "string", "maxLength": MAX_MODEL_LENGTH, "default": CHAMPION}}  # fmt: skip


def flag(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "boolean", "default": False}, "description": description}


def form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "object", "required": [field], "properties": {field: schema}}}


def operation(content: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` of an endpoint with such a body and these parameters beside the common ones."""
    return {
        "parameters": [MODEL, TIMEOUT_PARAMETER, *parameters],
        "requestBody": {"required": True, "content": content},
    }


ONE_PICTURE = dict.fromkeys(PICTURE_TYPES, BINARY) | {
    "multipart/form-data": form("file", BINARY["schema"]),
    "application/json": {"schema": ITEM},
}
MANY_PICTURES = {
    "multipart/form-data": form("files", {"type": "array", "minItems": 1, "items": BINARY["schema"]}),
    "application/json": {
        "schema": {"type": "object", "additionalProperties": False, "required": ["items"], "properties": {
            "items": {"type": "array", "minItems": 1, "maxItems": MAX_PICTURES, "items": ITEM}}}
    },
}  # fmt: skip
