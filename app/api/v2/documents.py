"""How the OpenAPI document describes /v2."""

from typing import Any

from pydantic import BaseModel, Field, StrictBool

from app.api.request_context import TIMEOUT_PARAMETER
from app.api.schemas.media import BINARY, ref
from app.api.v2.requests import CLASSES, OUTPUTS
from app.api.v2.tensors import INPUT, MAX_PICTURES
from app.jobs.specs.options import NamedFields


class ProtocolError(BaseModel):
    error: str


class Server(BaseModel):
    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    live: bool


class Ready(Live):
    ready: bool


class ModelReady(BaseModel):
    name: str
    ready: bool


class TensorMetadata(BaseModel):
    name: str
    datatype: str
    shape: list[int]


class Metadata(BaseModel):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class IndexEntry(BaseModel):
    name: str
    version: str
    state: str
    reason: str


class IndexRequest(NamedFields):
    ready: StrictBool = Field(False, description="only those that are ready: all of them are")


class Count(BaseModel):
    count: int
    ns: int


class ModelStatistics(BaseModel):
    name: str
    version: str
    last_inference: int = Field(description="milliseconds since 1970; 0 before the first")
    inference_count: int = Field(description="pictures")
    execution_count: int
    inference_stats: dict[str, Count]
    batch_stats: list[dict[str, Any]]


class ServerStatistics(BaseModel):
    model_stats: list[ModelStatistics]


class ResponseOutput(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[float | str] | None = Field(None, description="flat, row by row; not there where it follows in binary")
    parameters: dict[str, int] | None = Field(None, description="`binary_data_size`")


class InferenceResponse(BaseModel):
    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[ResponseOutput]


ERRORS: dict[int | str, dict[str, Any]] = {"4XX": {"model": ProtocolError}, "5XX": {"model": ProtocolError}}

PARAMETERS = {"type": ["object", "null"], "additionalProperties": True}
NUMBERS = {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "array", "items": {}}]}}
COMPONENTS: dict[str, dict[str, Any]] = {
    "InferenceRequest": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"]},
            "parameters": PARAMETERS | {"description": "`binary_data_output`, `timeout` in microseconds"},
            "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": ref("InputTensor")},
            "outputs": {"anyOf": [{"type": "array", "items": ref("RequestedOutput")}, {"type": "null"}]},
        },
    },
    "InputTensor": {
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"type": "string", "const": INPUT},
            "datatype": {"type": "string", "const": "FP32"},
            "shape": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "integer"},
                      "prefixItems": [{"type": "integer", "minimum": 1, "maximum": MAX_PICTURES},
                                      {"type": "integer", "const": 1},
                                      *[{"type": "integer", "const": 28}] * 2]},
            "data": NUMBERS | {"description": "flat or nested, 0..1; or `parameters.binary_data_size` instead"},
            "parameters": PARAMETERS,
        },
    },
    "RequestedOutput": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "enum": list(OUTPUTS)},
            "parameters": PARAMETERS | {"description": f"`binary_data`, `classification` 1..{CLASSES}"},
        },
    },
}  # fmt: skip


def _infer(*path: dict[str, Any]) -> dict[str, Any]:
    size = {"name": "Inference-Header-Content-Length", "in": "header", "schema": {"type": "integer", "minimum": 0},
            "description": "the bytes of JSON where tensors follow it; 0: the body is one tensor alone"}  # fmt: skip
    return {
        "responses": ERRORS | {200: {"content": {"application/octet-stream": BINARY}}},
        "openapi_extra": {
            "parameters": [*path, size, TIMEOUT_PARAMETER],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": ref("InferenceRequest")},
                    "application/octet-stream": BINARY,
                },
            },
        },
    }


INFER = _infer()
INFER_VERSION = _infer(
    {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 40}}
)
INDEX: dict[str, Any] = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": IndexRequest.model_json_schema(),
                "examples": {"ready": {"value": {"ready": True}}},
            }
        },
    },
}
