import csv
import io
from typing import Any

import httpx
import pytest

from app.db import Sessions
from tests.searches import end_trainings, run_search, step

SPACE = {"learning_rate": {"low": 0.01, "high": 0.5, "log": True}, "recipe": {"values": ["fast", "reference"]}}
SEARCH = {"kind": "training_search", "space": SPACE, "base": {"dataset": "optdigits", "epochs": 2}, "trials": 2}


@pytest.fixture(scope="module")
def finished(api: httpx.Client, api_sessions: Sessions) -> dict[str, Any]:
    search_id = api.post("/v1/jobs", json=SEARCH).json()["id"]
    run_search(api, api_sessions, search_id)
    document: dict[str, Any] = api.get(f"/v1/jobs/{search_id}").json()
    assert document["status"] == "succeeded", document
    return document


def test_trials_are_listed_with_their_settings_and_values(api: httpx.Client, finished: dict[str, Any]) -> None:
    answer = api.get(finished["links"]["trials"]).json()
    assert [trial["number"] for trial in answer["items"]] == [0, 1]
    assert {trial["value"] for trial in answer["items"]} == {0.9, 0.91}
    best = next(trial for trial in answer["items"] if trial["value"] == 0.91)
    assert answer["best"] == best["number"] == finished["result"]["best"]["number"]
    assert set(best["params"]) == {"learning_rate", "recipe"}
    assert (best["status"], best["epochs"]) == ("succeeded", 0)
    job = api.get(f"/v1/jobs/{best['job_id']}").json()
    assert job["search"] == {"id": finished["id"], "role": "trial", "trial": best["number"]}
    assert job["spec"] | best["params"] == job["spec"]
    assert finished["search"] is None


def test_table_has_a_line_per_trial_and_a_column_per_setting(api: httpx.Client, finished: dict[str, Any]) -> None:
    answer = api.get(f"{finished['links']['trials']}.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    trials = api.get(finished["links"]["trials"]).json()["items"]
    assert [float(row["value"]) for row in rows] == [trial["value"] for trial in trials]
    assert [row["recipe"] for row in rows] == [trial["params"]["recipe"] for trial in trials]


@pytest.mark.parametrize("name", ["plot.svg", "parallel.svg", "importance.svg"])
def test_figures_are_drawn_before_and_after_the_trials(api: httpx.Client, finished: dict[str, Any], name: str) -> None:
    queued = api.post("/v1/jobs", json=SEARCH).json()
    early, late = (api.get(f"/v1/jobs/{job['id']}/{name}") for job in (queued, finished))
    for answer in (early, late):
        assert answer.headers["content-type"] == "image/svg+xml"
        assert b"<svg " in answer.content
    assert len(late.content) > len(early.content)
    assert ("learning rate" in late.text, "learning_rate" in late.text) == (name != "plot.svg", False)


@pytest.mark.parametrize("part", ["trials", "trials.csv", "parallel.svg", "importance.svg"])
def test_other_jobs_have_no_trials(api: httpx.Client, part: str) -> None:
    job = api.post("/v1/jobs", json={"kind": "backprop_sweep"}).json()
    answer = api.get(f"/v1/jobs/{job['id']}/{part}")
    assert answer.status_code == 404
    assert "only a search has trials" in answer.json()["detail"]


def test_extension_is_refused_until_the_search_has_ended_and_past_its_bounds(
    api: httpx.Client, finished: dict[str, Any]
) -> None:
    queued = api.post("/v1/jobs", json=SEARCH).json()
    assert api.post(f"/v1/jobs/{queued['id']}/extend", json={"trials": 1}).status_code == 409
    for trials in (0, 201, "x", 199):
        answer = api.post(f"/v1/jobs/{finished['id']}/extend", json={"trials": trials})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["location"] == "body.trials"


def test_extended_search_is_queued_with_more_trials(api: httpx.Client, api_sessions: Sessions) -> None:
    search_id = api.post("/v1/jobs", json=SEARCH | {"trials": 1}).json()["id"]
    for _ in range(2):
        step(api_sessions, search_id)
        end_trainings(api, api_sessions, search_id)
    step(api_sessions, search_id)
    answer = api.post(f"/v1/jobs/{search_id}/extend", json={"trials": 4})
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["result"], answer.json()["spec"]["trials"]) == ("queued", None, 5)


@pytest.mark.parametrize(
    ("space", "location", "message"),
    [
        ({"learning_rte": SPACE["learning_rate"]}, "body.space.learning_rte", "'learning_rate'"),
        ({"learning_rate": {"low": 1, "high": 0.1}}, "body.space.learning_rate", "low must be below"),
        ({}, "body.space", "must not be empty"),
    ],
)
def test_bad_space_is_refused_with_the_place(
    api: httpx.Client, space: dict[str, Any], location: str, message: str
) -> None:
    answer = api.post("/v1/jobs", json=SEARCH | {"space": space})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["location"] == location
    assert message in error["message"]
