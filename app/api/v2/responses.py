"""Inference responses: probabilities to bytes. No web here."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.api.v2.requests import PROBABILITIES, InferenceRequest, RequestedOutput
from app.api.v2.tensors import Floats, bytes_tensor

MODEL = "digits"


def write_response(request: InferenceRequest, version: str, probabilities: Floats) -> tuple[bytes, int | None]:
    """The body of a response with these probabilities (n, 10), and the size of its JSON where tensors follow it."""
    tensors: list[bytes] = []
    outputs = [_write_output(requested, probabilities, tensors) for requested in request.outputs]
    document = {"model_name": MODEL, "model_version": version, "outputs": outputs}
    if request.id is not None:
        document["id"] = request.id
    head = orjson.dumps(document)
    return b"".join((head, *tensors)), len(head) if tensors else None


def _write_output(requested: RequestedOutput, probabilities: Floats, tensors: list[bytes]) -> dict[str, Any]:
    if requested.top:
        texts = _top_classes(probabilities, requested.top)
        return _fill(requested, "BYTES", (len(probabilities), requested.top), texts, bytes_tensor(texts), tensors)
    if requested.name == PROBABILITIES:
        return _write_numbers(requested, "FP32", probabilities.astype("<f4", copy=False), tensors)
    return _write_numbers(requested, "INT64", probabilities.argmax(axis=1).astype("<i8", copy=False), tensors)


def _write_numbers(
    requested: RequestedOutput, datatype: str, values: NDArray[Any], tensors: list[bytes]
) -> dict[str, Any]:
    if requested.is_binary:
        return _fill(requested, datatype, values.shape, [], values.tobytes(), tensors)
    return _fill(requested, datatype, values.shape, values.ravel().tolist(), b"", tensors)


def _fill(
    requested: RequestedOutput,
    datatype: str,
    shape: tuple[int, ...],
    data: list[Any],
    content: bytes,
    tensors: list[bytes],
) -> dict[str, Any]:
    output: dict[str, Any] = {"name": requested.name, "datatype": datatype, "shape": shape}
    if not requested.is_binary:
        return output | {"data": data}
    tensors.append(content)
    return output | {"parameters": {"binary_data_size": len(content)}}


def _top_classes(probabilities: Floats, count: int) -> list[str]:
    """The `count` likeliest digits of each row as `probability:digit`, the likeliest first."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return [f"{row[digit]:f}:{digit}" for row, digits in zip(probabilities, order, strict=True) for digit in digits]
