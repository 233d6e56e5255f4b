import gzip
import json
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

from app.db import Sessions
from app.registry.service import MODEL_FILE, SHIPPED
from app.storage import Storage
from models.inference.classifier import DigitClassifier
from models.training.data import Dataset
from tests.api.v2.bodies import PIXELS, as_binary, as_json, tensor
from tests.networks import add_version

INFER = "/v2/models/digits/infer"
JSON_SIZE = "Inference-Header-Content-Length"
BINARY = {"binary_data_output": True}


def split(answer: httpx.Response) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """The JSON of a binary answer, and its tensors by name."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    size = int(answer.headers[JSON_SIZE])
    document, rest, tensors = json.loads(answer.content[:size]), answer.content[size:], {}
    for output in document["outputs"]:
        length = output["parameters"]["binary_data_size"]
        kind = {"FP32": "<f4", "INT64": "<i8"}[output["datatype"]]
        tensors[output["name"]] = np.frombuffer(rest[:length], kind).reshape(output["shape"])
        rest = rest[length:]
    assert rest == b""
    return document, tensors


def assert_is_error(answer: httpx.Response, status: int, *words: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert list(answer.json()) == ["error"]
    assert all(word in answer.json()["error"] for word in words), answer.text


def test_json_and_binary_say_the_same_and_both_say_what_the_network_says(api: httpx.Client, mnist: Dataset) -> None:
    pixels = mnist.test.images[:40].numpy().astype(np.float32).reshape(-1, 1, 28, 28) / 255
    expected = DigitClassifier.load(SHIPPED / MODEL_FILE).predict(pixels * 255)
    body, size = as_binary(pixels, parameters=BINARY, id="forty")
    document, tensors = split(api.post(INFER, content=body, headers={JSON_SIZE: str(size)}))
    assert (document["model_name"], document["model_version"], document["id"]) == ("digits", "1", "forty")
    np.testing.assert_allclose(tensors["probabilities"], expected, atol=1e-6)
    np.testing.assert_array_equal(tensors["digit"], expected.argmax(axis=1))
    written = api.post(INFER, content=as_json(tensor(40, data=pixels.tolist()))).json()
    by_name = {output["name"]: output["data"] for output in written["outputs"]}
    assert by_name["digit"] == tensors["digit"].tolist()
    np.testing.assert_allclose(by_name["probabilities"], tensors["probabilities"].ravel(), atol=1e-6)
    assert "id" not in written


def test_one_tensor_alone(api: httpx.Client) -> None:
    _, tensors = split(api.post(INFER, content=PIXELS.tobytes(), headers={JSON_SIZE: "0"}))
    assert (tensors["probabilities"].shape, tensors["digit"].shape) == ((1, 10), (1,))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_body_may_be_packed(api: httpx.Client, encoding: str) -> None:
    body, size = as_binary(parameters=BINARY)
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](body)
    headers = {JSON_SIZE: str(size), "Content-Encoding": encoding}
    plain = api.post(INFER, content=body, headers={JSON_SIZE: str(size)})
    assert api.post(INFER, content=packed, headers=headers).content == plain.content
    assert_is_error(api.post(INFER, content=packed[:-9], headers=headers), 400, encoding)
    bomb = zlib.compress(b" " * (33 * 2**20))
    assert_is_error(api.post(INFER, content=bomb, headers={"Content-Encoding": "deflate"}), 413, "33,554,432")
    assert_is_error(api.post(INFER, content=body, headers={"Content-Encoding": "br"}), 415, "gzip")


def test_content_type_does_not_matter(api: httpx.Client) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}, {"Content-Type": ""}):
        assert api.post(INFER, content=as_json(tensor()), headers=headers).status_code == 200


def test_any_version_or_alias_can_be_asked_and_the_answer_names_it(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    other = add_version(api_sessions, api_storage, "job:protocol")
    answers = {
        name: api.post(f"/v2/models/digits/versions/{name}/infer", content=as_json(tensor())).json()
        for name in (other, "1", "champion")
    }
    assert [answer["model_version"] for answer in answers.values()] == [other, "1", "1"]
    assert answers["1"] == answers["champion"]
    assert answers["1"]["outputs"] != answers[other]["outputs"]


def test_whatever_is_wrong_is_400_and_says_what(api: httpx.Client) -> None:
    body, size = as_binary()
    for content, headers, word in (
        (b"", {}, "JSON"),
        (as_json(tensor(name="x")), {}, "must be 'image', not \"x\"."),
        (as_json({"nam": "image"}), {}, "The `name` of an input must be 'image'; it has none."),
        (as_json({"name": "image"}), {}, "The `datatype` of 'image' must be FP32; it has none."),
        (as_json({"name": "image", "datatype": "FP32"}), {}, "with n from 1 to 1024; it has none."),
        (as_json(tensor(shape=[1, 784])), {}, "with n from 1 to 1024, not [1,784]."),
        (as_json(tensor(), outputs=[{"nam": "digit"}]), {}, "'probabilities' or 'digit'; it has none."),
        (as_json(tensor(), outputs=[{"name": None}]), {}, "'probabilities' or 'digit', not null."),
        (as_json(tensor(shape=[2, 1, 28, 28])), {}, "784 elements"),
        (as_json(tensor(data=[float("nan")] * 784)), {}, "JSON"),
        (as_json(tensor(), outputs=[{"name": "\ud800"}]), {}, "JSON"),
        (as_json(tensor(), outputs=[{"name": "é\x00"}]), {}, "`name` of an output"),
        (body, {JSON_SIZE: str(size - 1)}, "JSON"),
        (body, {JSON_SIZE: "x"}, "'x'"),
        (body[:-4], {JSON_SIZE: str(size)}, "3,132"),
        (np.full(784, np.nan, "<f4").tobytes(), {JSON_SIZE: "0"}, "0 to 1"),
        (as_json(tensor()), {"X-Request-Timeout": "soon"}, "seconds"),
    ):
        assert_is_error(api.post(INFER, content=content, headers=headers), 400, word)


def test_what_is_not_there_is_404_and_too_much_is_413(api: httpx.Client) -> None:
    for path in (
        "/v2/models/resnet/infer",
        "/v2/models/digits/versions/99/infer",
        "/v2/models/digits/versions/%00/infer",
    ):
        assert_is_error(api.post(path, content=as_json(tensor())), 404)
    assert_is_error(api.post("/v2/models/digit/infer"), 404, "digit/infer; do you mean /v2/models/digits/infer?")
    assert_is_error(api.get("/v2/models/digit"), 404, "do you mean /v2/models/digits?")
    assert_is_error(api.get(INFER), 405, "POST")
    assert_is_error(api.post(INFER, content=b" " * (33 * 2**20)), 413, "33,554,432")
    assert api.post(INFER, content=as_json(tensor(1000))).status_code == 200


def test_time_that_is_up_is_504(api: httpx.Client) -> None:
    assert_is_error(api.post(INFER, content=as_json(tensor(), parameters={"timeout": 1})), 504, "time")
    relaxed = as_json(tensor(), parameters={"timeout": 10_000_000})
    assert api.post(INFER, content=relaxed, headers={"X-Request-Timeout": "10"}).status_code == 200
    assert_is_error(api.post(INFER, content=relaxed, headers={"X-Request-Timeout": "0.000001"}), 504)
