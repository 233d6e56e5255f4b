"""Names in queries that are meant, and not known there: for every endpoint that takes some."""

import httpx
import pytest

from app.api import openapi

PICTURE = {"pixels": [0] * 300 + [200] * 100 + [0] * 384}


def test_a_misspelt_name_is_refused_with_the_one_that_was_meant(api: httpx.Client) -> None:
    asked = 0
    for path, method, operation in openapi.operations(api.get("/openapi.json").json()):
        parameters = operation.get("parameters", [])
        place = path.format(**{one["name"]: one["example"] for one in parameters if one["in"] == "path"})
        for name in (one["name"] for one in parameters if one["in"] == "query"):
            misspelt = name + name[-1]
            answer = api.request(method, place, params={misspelt: "1"}, json=PICTURE if method == "POST" else None)
            assert answer.status_code == 422, (path, answer.text)
            [error] = [one for one in answer.json()["errors"] if one["location"] == f"query.{misspelt}"]
            assert f"do you mean '{name}'?" in error["message"]
            asked += 1
    assert asked > 25


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/v1/predict?version=2", "do you mean 'model'?"),
        ("POST", "/v1/predict?Alias=trial", "do you mean 'model'?"),
        ("POST", "/v2/models/digits/infer?model=2", "There is no 'model' in this query."),
        ("GET", "/v1/jobs?version=2", "There is no 'version' in this query."),
        ("GET", "/v1/datasets/mnist/pictures?label=3", "do you mean 'digit'?"),
        ("GET", "/v1/datasets/mnist/pictures?page=3", "do you mean 'offset'?"),
        ("GET", "/v1/jobs?offset=2", "do you mean 'cursor'?"),
        ("GET", "/v1/jobs?per_page=2", "do you mean 'limit'?"),
        ("GET", "/v1/jobs?status=running&status=queued", "'status' takes one value, not 2."),
        ("POST", "/v1/predict?model=1&model=2", "'model' takes one value, not 2."),
        ("POST", "/v1/jobs/01a224df-abbe-7439-9cb0-502f69bdce1a/retry?epochs=3", "'epochs' goes into the body"),
        ("POST", "/v1/jobs?kind=backprop_sweep", "'kind' goes into the body"),
        ("PUT", "/v1/models/aliases/trial?force=true", "'force' goes into the body"),
    ],
)
def test_names_that_are_meant_are_refused(api: httpx.Client, method: str, path: str, said: str) -> None:
    bodies = {"/v1/jobs": {"kind": "backprop_sweep"}, "/v1/models/aliases/trial": {"version": "1"}}
    answer = api.request(method, path, json=bodies.get(path.partition("?")[0], PICTURE if "predict" in path else None))
    assert answer.status_code == (400 if path.startswith("/v2") else 422), answer.text
    assert said in answer.text


def test_lists_in_a_query_may_be_repeated(api: httpx.Client) -> None:
    assert api.get("/v1/backprop/trace.svg?inputs=0.1&inputs=0.2&targets=0.1,0.9").status_code == 200


def test_names_like_none_are_ignored(api: httpx.Client) -> None:
    params = {"_": "1764400000", "utm_source": "mail", "v": "1", "t": "2", "x" * 5000: "1"}
    assert api.post("/v1/predict", json=PICTURE, params=params).status_code == 200
    assert api.get("/v1/jobs", params=params).status_code == 200
    assert api.get("/v2", params=params).status_code == 200
    assert api.get("/v1/models?limit=100").status_code == 200  # as many clients ask for each list
    assert api.get("/livez", params={"type": "liveness"}).status_code == 200
