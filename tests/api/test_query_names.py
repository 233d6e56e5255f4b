"""Misspelt names in queries, for every endpoint that takes some."""

import httpx

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


def test_names_like_none_are_ignored(api: httpx.Client) -> None:
    params = {"_": "1764400000", "utm_source": "mail", "x" * 5000: "1"}
    assert api.post("/v1/predict", json=PICTURE, params=params).status_code == 200
    assert api.get("/v1/jobs", params=params).status_code == 200
    assert api.get("/v2", params=params).status_code == 200
