from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.v2.requests import InferenceRequest, RequestedOutput, read_json_size, read_request
from app.errors import InvalidInput
from tests.api.v2.bodies import PIXELS, as_binary, as_json, tensor

ALL_JSON = (RequestedOutput("probabilities", False), RequestedOutput("digit", False))


def test_pictures_come_as_flat_or_nested_numbers_or_as_bytes_and_are_the_same() -> None:
    pixels = np.concatenate([PIXELS, 1 - PIXELS])
    bodies = [
        (as_json(tensor(2, data=pixels.ravel().tolist())), None),
        (as_json(tensor(2, data=pixels.tolist())), None),
        as_binary(pixels),
    ]
    for body, size in bodies:
        read = read_request(body, size)
        assert (read.pixels.dtype, read.pixels.shape) == (np.float32, (2, 1, 28, 28))
        np.testing.assert_array_equal(read.pixels, pixels)
        assert read.outputs == ALL_JSON


def test_bytes_alone_are_one_picture_whose_outputs_are_all_binary() -> None:
    read = read_request(PIXELS.tobytes(), 0)
    np.testing.assert_array_equal(read.pixels, PIXELS)
    assert read.outputs == (RequestedOutput("probabilities", True), RequestedOutput("digit", True))


def test_an_output_says_for_itself_whether_it_is_binary_or_the_request_says_it_for_all() -> None:
    outputs = [{"name": "digit"}, {"name": "probabilities", "parameters": {"binary_data": False}}]
    parameters = {"binary_data_output": True}
    read = read_request(as_json(tensor(), parameters=parameters, outputs=outputs), None)
    assert read.outputs == (RequestedOutput("digit", True), RequestedOutput("probabilities", False))
    assert read_request(as_json(tensor(), parameters=parameters), None).outputs[0].is_binary
    best = [{"name": "probabilities", "parameters": {"classification": 3}}]
    assert read_request(as_json(tensor(), outputs=best), None).outputs == (RequestedOutput("probabilities", False, 3),)


def test_id_and_timeout_are_read_and_what_is_null_is_not_there() -> None:
    read = read_request(as_json(tensor(), id="seven", parameters={"timeout": 1500, "priority": 1}), None)
    assert (read.id, read.timeout_seconds) == ("seven", 0.0015)
    empty = read_request(as_json(tensor(parameters=None), id=None, parameters=None, outputs=None), None)
    assert (empty.id, empty.timeout_seconds, empty.outputs) == (None, None, ALL_JSON)
    assert read_request(as_json(tensor(), parameters={"timeout": 0}, outputs=[]), None).timeout_seconds is None


def nested(*lengths: int) -> list[Any]:
    """28 rows of 28 numbers, but for the first rows."""
    rows = [[0.5] * 28 for _ in range(28)]
    for row, length in enumerate(lengths):
        rows[row] = [0.5] * length
    return [[rows]]


NAN_PIXELS = np.where(np.arange(784).reshape(PIXELS.shape) == 700, np.nan, PIXELS)
BAD = {
    "nothing": (b"", None),
    "not JSON": (b"{", None),
    "not an object": (b"[]", None),
    "deep": (b'{"inputs": ' + b"[" * 100_000, None),
    "not UTF-8": (b'{"id": "\xff"}', None),
    "no inputs": (b"{}", None),
    "empty inputs": (as_json(), None),
    "inputs is no list": (b'{"inputs": {}}', None),
    "input is no object": (b'{"inputs": [7]}', None),
    "input twice": (as_json(tensor(), tensor()), None),
    "unknown input": (as_json(tensor(name="picture")), None),
    "known and unknown input": (as_json(tensor(), tensor(name="picture")), None),
    "no name": (as_json(tensor(name=None)), None),
    "other datatype": (as_json(tensor(datatype="FP64")), None),
    "no datatype": (as_json(tensor(datatype=None)), None),
    "datatype is a list": (as_json(tensor(datatype=["FP32"])), None),
    "no shape": (as_json(tensor(shape=None)), None),
    "short shape": (as_json(tensor(shape=[1, 28, 28])), None),
    "flat shape": (as_json(tensor(shape=[1, 784])), None),
    "negative shape": (as_json(tensor(shape=[-1, 1, 28, 28])), None),
    "empty batch": (as_json(tensor(shape=[0, 1, 28, 28], data=[])), None),
    "too large a batch": (as_json(tensor(shape=[1025, 1, 28, 28])), None),
    "shape that overflows": (as_json(tensor(shape=[2**64, 1, 28, 28])), None),
    "shape of floats": (as_json(tensor(shape=[1.0, 1, 28, 28])), None),
    "shape of booleans": (as_json(tensor(shape=[True, True, 28, 28])), None),
    "no data": (as_json(tensor(data=None)), None),
    "data is an object": (as_json(tensor(data={})), None),
    "too few": (as_json(tensor(data=[0.5] * 783)), None),
    "too many": (as_json(tensor(data=[0.5] * 785)), None),
    "fewer than the shape says": (as_json(tensor(2, data=[0.5] * 784)), None),
    "ragged": (as_json(tensor(data=nested(27, 29))), None),
    "other nesting": (as_json(tensor(data=[[0.5] * 784])), None),
    "too deep": (as_json(tensor(data=[nested()])), None),
    "half nested": (as_json(tensor(data=[[[[0.5] * 28] * 27 + [0.5]]])), None),
    "text": (as_json(tensor(data=["0.5"] * 784)), None),
    "booleans": (as_json(tensor(data=[0.5] * 783 + [True])), None),
    "null": (as_json(tensor(data=[0.5] * 783 + [None])), None),
    "NaN": (as_json(tensor(data=[float("nan")] * 784)), None),
    "Infinity": (as_json(tensor(data=[float("inf")] * 784)), None),
    "infinite number": (as_json(tensor()).replace(b"0.5", b"1e999", 1), None),
    "infinite as FP32": (as_json(tensor(data=[1e39] * 784)), None),
    "huge integer": (as_json(tensor()).replace(b"0.5", b"9" * 10_000, 1), None),
    "0..255": (as_json(tensor(data=[255] * 784)), None),
    "negative": (as_json(tensor(data=[-0.1] * 784)), None),
    "id is a number": (as_json(tensor(), id=7), None),
    "parameters is a list": (as_json(tensor(), parameters=[]), None),
    "parameters of the input is a list": (as_json(tensor(parameters=[])), None),
    "flag is a number": (as_json(tensor(), parameters={"binary_data_output": 1}), None),
    "timeout is a text": (as_json(tensor(), parameters={"timeout": "1"}), None),
    "timeout is negative": (as_json(tensor(), parameters={"timeout": -1}), None),
    "timeout is too large": (as_json(tensor(), parameters={"timeout": 1e400}).replace(b"Infinity", b"9" * 30), None),
    "shared memory": (as_json(tensor(parameters={"shared_memory_region": "a"})), None),
    "outputs is an object": (as_json(tensor(), outputs={}), None),
    "output is a text": (as_json(tensor(), outputs=["digit"]), None),
    "unknown output": (as_json(tensor(), outputs=[{"name": "digits"}]), None),
    "name of an output is a list": (as_json(tensor(), outputs=[{"name": ["digit"]}]), None),
    "output twice": (as_json(tensor(), outputs=[{"name": "digit"}, {"name": "digit"}]), None),
    "classes of the digit": (as_json(tensor(), outputs=[{"name": "digit", "parameters": {"classification": 2}}]), None),
    "too many classes": (
        as_json(tensor(), outputs=[{"name": "probabilities", "parameters": {"classification": 11}}]),
        None,
    ),
    "raw too short": (PIXELS.tobytes()[:-1], 0),
    "raw too long": (PIXELS.tobytes() * 2, 0),
    "raw NaN": (np.full(784, np.nan, np.float32).tobytes(), 0),
    "JSON longer than the body": (as_json(tensor()), 100_000),
    "JSON cut off": (as_binary()[0], 10),
    "size but no header": (as_binary()[0], None),
    "size but no tensor": (as_json(tensor(data=None, parameters={"binary_data_size": 3136})), None),
    "tensor but no size": (as_json(tensor()) + b"1234", len(as_json(tensor()))),
    "size below the tensor's": as_binary(size=3132),
    "size above the tensor's": as_binary(size=3140),
    "size is a text": (as_json(tensor(data=None, parameters={"binary_data_size": "0"})), None),
    "data and size": (as_json(tensor(parameters={"binary_data_size": 0})), None),
    "shape and size differ": (
        as_json(tensor(2, data=None, parameters={"binary_data_size": 3136})) + PIXELS.tobytes(),
        len(as_json(tensor(2, data=None, parameters={"binary_data_size": 3136}))),
    ),
    "binary NaN": as_binary(NAN_PIXELS),
    "binary 0..255": as_binary(PIXELS * 255),
}


@pytest.mark.parametrize(("body", "size"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_refused_with_a_sentence(body: bytes, size: int | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_request(body, size)
    assert 20 < len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("body", "why"), [(b"", "it is empty."), (b'{"id":\n "\xff"}', "it is not UTF-8 at line 2, column 3.")]
)
def test_what_is_not_json_is_told_why_and_where(body: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=f"^The body is not JSON: {why} Binary"):
        read_request(body, None)


@pytest.mark.parametrize("header", ["", "-1", "+1", "1.0", "0x1", "1 2", "٣", "9" * 5000])
def test_json_size_is_a_whole_number(header: str) -> None:
    with pytest.raises(InvalidInput, match="number of bytes"):
        read_json_size(header)
    assert (read_json_size(None), read_json_size("0"), read_json_size("172")) == (None, 0, 172)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
near_inputs = st.fixed_dictionaries(
    {"name": st.just("image"), "datatype": st.just("FP32"), "shape": st.just([1, 1, 28, 28]) | json_values},
    optional={"data": json_values, "parameters": json_values},
)


@given(
    st.fixed_dictionaries(
        {"inputs": st.lists(near_inputs, max_size=2) | json_values},
        optional={"outputs": json_values, "parameters": json_values, "id": json_values},
    ),
    st.binary(max_size=20),
    st.integers(0, 500) | st.none(),
)
def test_whatever_comes_is_read_or_refused(document: dict[str, Any], tail: bytes, size: int | None) -> None:
    fields = {name: value for name, value in document.items() if name != "inputs"}
    body = as_json(**fields, inputs=document["inputs"]) + tail
    with suppress(InvalidInput):
        assert isinstance(read_request(body, size), InferenceRequest)
