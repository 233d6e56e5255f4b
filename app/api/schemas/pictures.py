"""How the OpenAPI document describes bodies that hold pictures, which endpoints read by themselves."""

from typing import Any

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


def form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "object", "required": [field], "properties": {field: schema}}}


def body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
