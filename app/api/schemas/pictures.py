"""How the OpenAPI document describes requests about pictures, which endpoints decode by themselves."""

from typing import Any

from app.api.request_context import TIMEOUT_PARAMETER
from app.api.schemas.media import BINARY, ref
from app.serving.model_cache import CHAMPION

PICTURE_TYPES = (
    *("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif"),
    *("image/tiff", "image/avif", "image/heic", "image/heif"),
)
MAX_PICTURES = 256  # in one batch
MAX_MODEL_LENGTH = 40  # letters of a version or an alias

NUMBER = {"type": "number", "minimum": 0, "maximum": 255}
ROW = {"type": "array", "minItems": 28, "maxItems": 28, "items": NUMBER}
SCALE = {"type": "integer", "enum": [1, 255], "description": "the number of the brightest ink; 255 if left out"}
COMPONENTS: dict[str, dict[str, Any]] = {
    "Pixels": {
        "description": "28 rows of 28 numbers, or 784 numbers: bright ink on dark",
        "oneOf": [
            {"type": "array", "minItems": 28, "maxItems": 28, "items": ROW},
            {"type": "array", "minItems": 784, "maxItems": 784, "items": NUMBER},
        ],
    },
    "PictureOfBytes": {
        "type": "object", "additionalProperties": False, "required": ["image"],
        "properties": {"image": {"type": "string", "minLength": 1, "description": "base64 or a data URL"}},
    },
    "PictureOfPixels": {
        "type": "object", "additionalProperties": False, "required": ["pixels"],
        "properties": {"pixels": ref("Pixels"), "scale": SCALE},
    },
    "Pictures": {
        "type": "object", "additionalProperties": False, "required": ["items"],
        "properties": {"items": {
            "type": "array", "minItems": 1, "maxItems": MAX_PICTURES,
            "items": {"oneOf": [ref("PictureOfBytes"), ref("PictureOfPixels")]},
        }},
    },
}  # fmt: skip
PIXELS = ref("Pixels")
ITEM = {"oneOf": [ref("PictureOfBytes"), ref("PictureOfPixels")]}
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
    "application/json": {"schema": ref("Pictures")},
}
