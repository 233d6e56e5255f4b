"""Inference responses: probabilities to bytes. No web here."""

from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.api.v2.requests import PROBABILITIES, InferenceRequest, Wanted
from app.api.v2.tensors import Floats, bytes_tensor

MODEL = "digits"


def write_response(request: InferenceRequest, version: str, probabilities: Floats) -> tuple[bytes, int | None]:
    """The body, and how much of it is JSON where tensors follow, of what `version` says: probabilities (n, 10)."""
    tensors: list[bytes] = []
    outputs = [_write_output(wanted, probabilities, tensors) for wanted in request.outputs]
    document = {"model_name": MODEL, "model_version": version, "outputs": outputs}
    if request.id is not None:
        document["id"] = request.id
    head = orjson.dumps(document)
    return b"".join((head, *tensors)), len(head) if tensors else None


def _write_output(wanted: Wanted, probabilities: Floats, tensors: list[bytes]) -> dict[str, Any]:
    if wanted.best:
        texts = _best(probabilities, wanted.best)
        return _fill(wanted, "BYTES", (len(probabilities), wanted.best), texts, bytes_tensor(texts), tensors)
    if wanted.name == PROBABILITIES:
        return _write_numbers(wanted, "FP32", probabilities.astype("<f4", copy=False), tensors)
    return _write_numbers(wanted, "INT64", probabilities.argmax(axis=1).astype("<i8", copy=False), tensors)


def _write_numbers(wanted: Wanted, datatype: str, values: NDArray[Any], tensors: list[bytes]) -> dict[str, Any]:
    if wanted.is_binary:
        return _fill(wanted, datatype, values.shape, [], values.tobytes(), tensors)
    return _fill(wanted, datatype, values.shape, values.ravel().tolist(), b"", tensors)


def _fill(
    wanted: Wanted, datatype: str, shape: tuple[int, ...], data: list[Any], content: bytes, tensors: list[bytes]
) -> dict[str, Any]:
    output: dict[str, Any] = {"name": wanted.name, "datatype": datatype, "shape": shape}
    if not wanted.is_binary:
        return output | {"data": data}
    tensors.append(content)
    return output | {"parameters": {"binary_data_size": len(content)}}


def _best(probabilities: Floats, count: int) -> list[str]:
    """The `count` likeliest digits of each row as `probability:digit`, the likeliest first."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return [f"{row[digit]:f}:{digit}" for row, digits in zip(probabilities, order, strict=True) for digit in digits]
