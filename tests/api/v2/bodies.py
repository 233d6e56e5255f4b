"""Inference requests written by hand, as the protocol's text describes them."""

import json
from typing import Any

import numpy as np

PIXELS = np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 1, 28, 28)


def tensor(count: int = 1, **changes: Any) -> dict[str, Any]:
    """The input `image` with its data in JSON; a change to None takes a field away."""
    whole = {"name": "image", "datatype": "FP32", "shape": [count, 1, 28, 28], "data": [0.5] * (784 * count)}
    return {name: value for name, value in (whole | changes).items() if value is not None}


def as_json(*inputs: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps({"inputs": list(inputs)} | fields).encode()


def as_binary(pixels: Any = PIXELS, *, size: int | None = None, **fields: Any) -> tuple[bytes, int]:
    """A body with the pixels behind its JSON, and how long the JSON is."""
    content = np.asarray(pixels, "<f4").tobytes()
    parameters = {"binary_data_size": len(content) if size is None else size}
    head = as_json(tensor(len(pixels), data=None, parameters=parameters), **fields)
    return head + content, len(head)
