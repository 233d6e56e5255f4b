import json
import struct
from typing import Any

import numpy as np

from app.api.v2.requests import InferenceRequest, RequestedOutput
from app.api.v2.responses import write_response
from tests.api.v2.bodies import PIXELS

PROBABILITIES = np.array([[0.1] * 10, [0] * 7 + [0.75, 0.05, 0.2]], np.float32)
PROBABILITIES[0, 3] += 0.01


def respond(*outputs: RequestedOutput, request_id: str | None = None) -> tuple[dict[str, Any], bytes]:
    """The JSON and the tensors of a response."""
    body, size = write_response(InferenceRequest(PIXELS, outputs, request_id), "3", PROBABILITIES)
    assert (size is None) == (not any(output.is_binary for output in outputs))
    size = len(body) if size is None else size
    return json.loads(body[:size]), body[size:]


def test_numbers_in_json_are_flat_and_in_the_order_that_was_asked_for() -> None:
    document, rest = respond(
        RequestedOutput("digit", False), RequestedOutput("probabilities", False), request_id="a\u2028\x00"
    )
    assert rest == b""
    assert (document["model_name"], document["model_version"], document["id"]) == ("digits", "3", "a\u2028\x00")
    digit, probabilities = document["outputs"]
    assert digit == {"name": "digit", "datatype": "INT64", "shape": [2], "data": [3, 7]}
    assert (probabilities["name"], probabilities["datatype"], probabilities["shape"]) == (
        "probabilities",
        "FP32",
        [2, 10],
    )
    np.testing.assert_array_equal(np.array(probabilities["data"], np.float32), PROBABILITIES.ravel())


def test_only_what_was_asked_for_is_in_it_and_no_id_where_none_was() -> None:
    document, _ = respond(RequestedOutput("digit", False))
    assert [output["name"] for output in document["outputs"]] == ["digit"]
    assert "id" not in document


def test_binary_tensors_follow_the_json_in_order_little_endian() -> None:
    document, rest = respond(RequestedOutput("digit", True), RequestedOutput("probabilities", True))
    assert [output["parameters"]["binary_data_size"] for output in document["outputs"]] == [16, 80]
    assert not any("data" in output for output in document["outputs"])
    assert struct.unpack("<2q", rest[:16]) == (3, 7)
    np.testing.assert_array_equal(np.frombuffer(rest[16:], "<f4").reshape(2, 10), PROBABILITIES)


def test_one_output_may_be_binary_and_the_other_not() -> None:
    document, rest = respond(RequestedOutput("probabilities", False), RequestedOutput("digit", True))
    assert ["data" in output for output in document["outputs"]] == [True, False]
    assert len(rest) == 16


def test_classification_names_the_likeliest_first() -> None:
    document, _ = respond(RequestedOutput("probabilities", False, top=2))
    assert document["outputs"] == [
        {
            "name": "probabilities",
            "datatype": "BYTES",
            "shape": [2, 2],
            "data": ["0.110000:3", "0.100000:0", "0.750000:7", "0.200000:9"],
        }
    ]
    document, rest = respond(RequestedOutput("probabilities", True, top=1))
    assert rest == b"\x0a\x00\x00\x000.110000:3\x0a\x00\x00\x000.750000:7"
    assert document["outputs"][0]["parameters"] == {"binary_data_size": len(rest)}
