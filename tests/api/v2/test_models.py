from pathlib import Path

import httpx
import pytest

from app.config import Settings
from tests.api.v2.bodies import as_json, tensor
from tests.api.v2.test_inference import INFER, assert_is_error
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier

DIGITS = "/v2/models/digits"


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_server_says_what_it_is_and_what_it_speaks(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    assert answer.json()["name"] == "numeral"
    assert "binary_tensor_data" in answer.json()["extensions"]


def test_server_is_alive_and_ready(api: httpx.Client) -> None:
    assert api.get("/v2/health/live").json() == {"live": True}
    assert api.get("/v2/health/ready").json() == {"ready": True, "live": True}


def test_model_says_what_goes_in_and_comes_out_with_and_without_a_version(api: httpx.Client) -> None:
    for path in (DIGITS, f"{DIGITS}/versions/1", f"{DIGITS}/versions/champion"):
        metadata = api.get(path).json()
        assert (metadata["name"], metadata["platform"], metadata["versions"][0]) == ("digits", "onnx_onnxv1", "1")
        assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
        assert metadata["outputs"] == [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "digit", "datatype": "INT64", "shape": [-1]},
        ]
        assert api.get(f"{path}/ready").json() == {"name": "digits", "ready": True}


def test_index_lists_every_version_whatever_the_body(api: httpx.Client) -> None:
    for body in (b"", b"{}", b'{"ready": true}'):
        index = api.post("/v2/repository/index", content=body).json()
        assert index[0] == {"name": "digits", "version": "1", "state": "READY", "reason": ""}


def test_statistics_count_what_was_answered_and_what_failed(api: httpx.Client) -> None:
    def counts() -> tuple[int, int, int]:
        found = api.get(f"{DIGITS}/versions/1/stats").json()["model_stats"][0]
        stats = found["inference_stats"]
        return found["inference_count"], stats["success"]["count"], stats["fail"]["count"]

    assert api.post(INFER, content=as_json(tensor())).status_code == 200
    before = counts()
    assert api.post(INFER, content=as_json(tensor(3))).status_code == 200
    assert api.post(INFER, content=b"{").status_code == 400
    assert counts() == (before[0] + 3, before[1] + 1, before[2] + 1)
    for path in ("/v2/models/stats", f"{DIGITS}/stats"):
        assert api.get(path).json()["model_stats"][0]["version"] == "1"


def test_failures_are_all_in_the_protocols_form(api: httpx.Client) -> None:
    for path in ("/v2/nothing", "/v2/models/resnet", f"{DIGITS}/versions/99", f"{DIGITS}/versions/99/ready"):
        assert_is_error(api.get(path), 404)
    assert_is_error(api.get(f"{DIGITS}/versions/99/stats"), 404, "'99'")
    assert_is_error(api.get(f"{DIGITS}/versions/{'9' * 50}"), 400, "40")
    assert_is_error(api.get("/v2/repository/index"), 405, "POST")
    for body, word in ((b'{"ready": "x"}', "ready"), (b'{"redy": true}', "'ready'"), (b"[]", "object"), (b"x", "JSON")):
        assert_is_error(api.post("/v2/repository/index", content=body), 400, word)
    assert api.get("/v2x").headers["content-type"] == "application/problem+json"


def test_without_a_network_it_is_alive_but_not_ready(tmp_path: Path) -> None:
    with serve(Settings(data_dir=tmp_path, port=free_port()), RecordedNotifier()) as client:
        assert client.get("/v2/health/live").status_code == 200
        assert_is_error(client.get("/v2/health/ready"), 503, "numeral migrate")
        assert_is_error(client.get(f"{DIGITS}/ready"), 503, "/readyz")
        assert_is_error(client.post(INFER, content=as_json(tensor())), 503, "/readyz")
