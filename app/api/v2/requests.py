"""Inference requests: from bytes to pictures and the outputs that are asked for. No web here.

A body is JSON, or JSON with the tensors' bytes behind it (the header Inference-Header-Content-Length then says how long
the JSON is), or the bytes of one picture alone (the header says 0).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from app.api.json_limits import JsonLimits, not_json, require_within
from app.api.v2.tensors import INPUT, MAX_PICTURES, PICTURE, Floats, from_bytes, from_json
from app.errors import InvalidInput
from models.wording import counted

PROBABILITIES, DIGIT = "probabilities", "digit"
OUTPUTS = (PROBABILITIES, DIGIT)
CLASSES = 10
LIMITS = JsonLimits(commas=MAX_PICTURES * (28 * 28 + 64), brackets=MAX_PICTURES * 32, colons=1_000)
MAX_JSON_BYTES = 8 * 2**20  # over 1,000 pictures; parsing it takes a quarter of a second with the GIL held


class RequestedOutput(NamedTuple):
    """An output that was asked for."""

    name: str
    is_binary: bool
    top: int = 0  # so many likeliest classes in place of the numbers: the classification extension


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """What a client asks about pictures float32 (n, 1, 28, 28) in 0..1."""

    pixels: Floats
    outputs: tuple[RequestedOutput, ...]
    id: str | None = None
    timeout_seconds: float | None = None


def read_json_size(header: str | None) -> int | None:
    """The value of Inference-Header-Content-Length. Raises InvalidInput."""
    if header is None:
        return None
    if not (header.isascii() and header.isdecimal() and len(header) <= 10):
        raise InvalidInput(f"Inference-Header-Content-Length must be a number of bytes, not {header[:40]!r}.")
    return int(header)


def read_request(body: bytes, json_size: int | None) -> InferenceRequest:
    """Decode a body. Raises InvalidInput."""
    if json_size == 0:
        return InferenceRequest(from_bytes(body, 1), tuple(RequestedOutput(name, True) for name in OUTPUTS))
    if json_size is not None and json_size > len(body):
        raise InvalidInput(
            f"Inference-Header-Content-Length is {json_size}, but the body has only {counted(len(body), 'byte')}."
        )
    document = _parse(body if json_size is None else body[:json_size])
    parameters = _parameters(document, "the request")
    request_id = document.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise InvalidInput("`id` must be a string.")
    return InferenceRequest(
        _read_input(document.get("inputs"), b"" if json_size is None else body[json_size:]),
        _read_outputs(document.get("outputs"), _flag(parameters, "binary_data_output") or False),
        request_id,
        _read_timeout(parameters.get("timeout")),
    )


def _parse(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_JSON_BYTES:
        raise InvalidInput(
            f"The JSON has {len(content):,} bytes, more than {MAX_JSON_BYTES:,}. Send the pictures as binary tensors."
        )
    require_within(content, LIMITS)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{not_json(content, error)} Binary tensors need Inference-Header-Content-Length.") from None
    if not isinstance(document, dict):
        raise InvalidInput('The body must be a JSON object: {"inputs": [...]}.')
    return document


def _read_input(inputs: Any, tensors: bytes) -> Floats:
    for tensor in _objects(inputs, "inputs"):
        if tensor.get("name") != INPUT:
            raise InvalidInput(f"The `name` of an input must be {INPUT!r}{_instead(tensor, 'name')}.")
    if inputs is None or len(inputs) != 1:
        raise InvalidInput(f"`inputs` must hold {INPUT!r}, once.")
    tensor = inputs[0]
    if tensor.get("datatype") != "FP32":
        raise InvalidInput(f"The `datatype` of {INPUT!r} must be FP32{_instead(tensor, 'datatype')}.")
    count = _read_count(tensor)
    parameters = _parameters(tensor, INPUT)
    _refuse_shared_memory(parameters)
    size = parameters.get("binary_data_size")
    if size is None:
        if tensors:
            raise InvalidInput(
                f"Behind the JSON there is data ({counted(len(tensors), 'byte')}), but no input has "
                "`parameters.binary_data_size`."
            )
        return from_json(tensor.get("data"), count)
    if tensor.get("data") is not None:
        raise InvalidInput(f"The input {INPUT!r} has both `data` and `parameters.binary_data_size`; give one.")
    if type(size) is not int or size != len(tensors):
        raise InvalidInput(
            f"binary_data_size is {_shown(size)}, but the data behind the JSON has {counted(len(tensors), 'byte')}."
        )
    return from_bytes(tensors, count)


def _read_count(tensor: dict[str, Any]) -> int:
    shape: Any = tensor.get("shape")
    is_list = isinstance(shape, list) and len(shape) == 4 and all(type(side) is int for side in shape)
    if not is_list or tuple(shape[1:]) != PICTURE or not 1 <= shape[0] <= MAX_PICTURES:
        raise InvalidInput(
            f"The `shape` of {INPUT!r} must be [n, 1, 28, 28] with n from 1 to {MAX_PICTURES}"
            f"{_instead(tensor, 'shape')}."
        )
    count: int = shape[0]
    return count


def _read_outputs(outputs: Any, is_binary: bool) -> tuple[RequestedOutput, ...]:
    if not outputs and (outputs is None or isinstance(outputs, list)):
        return tuple(RequestedOutput(name, is_binary) for name in OUTPUTS)
    requested = tuple(_read_output(output, is_binary) for output in _objects(outputs, "outputs"))
    if len({output.name for output in requested}) != len(requested):
        raise InvalidInput("`outputs` names an output twice.")
    return requested


def _read_output(output: dict[str, Any], is_binary: bool) -> RequestedOutput:
    name = output.get("name")
    if name not in OUTPUTS:
        raise InvalidInput(f"The `name` of an output must be {PROBABILITIES!r} or {DIGIT!r}{_instead(output, 'name')}.")
    parameters = _parameters(output, name)
    _refuse_shared_memory(parameters)
    own = _flag(parameters, "binary_data")
    top = parameters.get("classification", 0)
    if type(top) is not int or not 0 <= top <= CLASSES or (top and name == DIGIT):
        raise InvalidInput(f"`classification` may be 1 to {CLASSES}, and of {PROBABILITIES!r} only.")
    return RequestedOutput(name, is_binary if own is None else own, top)


def _read_timeout(microseconds: Any) -> float | None:
    if microseconds is None:
        return None
    if type(microseconds) is not int or not 0 <= microseconds < 2**63:
        raise InvalidInput(f"`timeout` must be a whole number of microseconds, not {_shown(microseconds)}.")
    return microseconds / 1e6 or None  # Triton's clients send 0 for none


def _objects(values: Any, name: str) -> list[dict[str, Any]]:
    if values is not None and not (isinstance(values, list) and all(isinstance(value, dict) for value in values)):
        raise InvalidInput(f"`{name}` must be a list of objects.")
    return values or []


def _parameters(owner: dict[str, Any], name: str) -> dict[str, Any]:
    parameters = owner.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidInput(f"The `parameters` of {name} must be an object.")
    return parameters or {}


def _flag(parameters: dict[str, Any], name: str) -> bool | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"`{name}` must be true or false, not {_shown(value)}.")
    return value


def _refuse_shared_memory(parameters: dict[str, Any]) -> None:
    if any(name.startswith("shared_memory") for name in parameters):
        raise InvalidInput("Shared memory is not supported here; send the tensor in the body.")


def _instead(owner: dict[str, Any], field: str) -> str:
    """The end of a sentence about what a field must be: what it is instead."""
    return f", not {_shown(owner[field])}" if field in owner else "; it has none"


def _shown(value: Any) -> str:
    """A value as JSON has it, cut off where it is long."""
    return orjson.dumps(value).decode()[:80]
