from typing import Any

import httpx
import pytest

from app.db import Sessions
from app.jobs import runs
from app.jobs.comparison import MAX_COMPARED
from models.figures.colors import DARK, LIGHT, Theme
from models.figures.training_curves import draw_comparison
from tests.workers import claim


def training(api: httpx.Client, sessions: Sessions, accuracies: list[float], **given: Any) -> str:
    """A training that failed after some epochs."""
    job_id: str = api.post("/v1/jobs", json={"kind": "mnist_training", **given}).json()["id"]
    claimed = claim(sessions, job_id)
    for number, accuracy in enumerate(accuracies, start=1):
        data = {"epoch": number, "train_loss": 1 / number, "validation_accuracy": accuracy}
        runs.report(sessions, claimed, "epoch", data)
    runs.fail(sessions, claimed, reason="error", detail="test")
    return job_id


def test_trainings_are_compared_in_the_order_asked_for(api: httpx.Client, api_sessions: Sessions) -> None:
    first = training(api, api_sessions, [0.9, 0.97, 0.96], name="first", tags=["x"])
    second = training(api, api_sessions, [0.8], learning_rate=0.2, seed=4)
    answer = api.get("/v1/jobs/compare", params={"ids": f"{second},{first}"}).json()
    assert [item["id"] for item in answer["items"]] == [second, first]
    assert [len(item["epochs"]) for item in answer["items"]] == [1, 3]
    assert [item["best_validation_accuracy"] for item in answer["items"]] == [0.8, 0.97]
    assert (answer["items"][1]["name"], answer["items"][1]["tags"]) == ("first", ["x"])
    assert (answer["items"][0]["test_accuracy"], answer["items"][0]["model_version"]) == (None, None)
    assert answer["differences"] == {"learning_rate": [0.2, 0.1], "seed": [4, 0]}


def test_finished_training_is_compared_with_its_test_accuracy(api: httpx.Client, api_sessions: Sessions) -> None:
    job_id: str = api.post("/v1/jobs", json={"kind": "mnist_training"}).json()["id"]
    result = {"test": {"accuracy": 0.99}, "model_version": "7", "seconds": 3.0}
    runs.succeed(api_sessions, claim(api_sessions, job_id), lambda _: result)
    (item,) = api.get("/v1/jobs/compare", params={"ids": job_id}).json()["items"]
    assert (item["status"], item["test_accuracy"], item["model_version"]) == ("succeeded", 0.99, "7")


def test_trial_of_a_search_is_compared_though_it_is_not_tested(api: httpx.Client, api_sessions: Sessions) -> None:
    job_id: str = api.post("/v1/jobs", json={"kind": "mnist_training"}).json()["id"]
    result = {"value": 0.98, "pruned": False, "seconds": 3.0}
    runs.succeed(api_sessions, claim(api_sessions, job_id), lambda _: result)
    (item,) = api.get("/v1/jobs/compare", params={"ids": job_id}).json()["items"]
    assert (item["status"], item["test_accuracy"], item["model_version"]) == ("succeeded", None, None)
    assert item["seconds"] == 3.0


def test_curves_are_laid_over_each_other_and_follow_new_epochs(api: httpx.Client, api_sessions: Sessions) -> None:
    ids = [training(api, api_sessions, [0.9, 0.95], name=f"cost $ {number} $", seed=number) for number in range(12)]
    answer = api.get("/v1/jobs/compare.svg", params={"ids": ",".join(ids)})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert b"<svg " in answer.content
    alone = api.get("/v1/jobs/compare.svg", params={"ids": ids[0]}).content
    assert alone != answer.content
    rates = [
        training(api, api_sessions, [0.9], recipe="quick", dataset="optdigits", learning_rate=rate)
        for rate in (0.30116075991715163, 0.1)
    ]
    text = api.get("/v1/jobs/compare.svg", params={"ids": ",".join(rates)}).text
    assert "2 trainings" in text
    assert "1: quick on optdigits, learning rate 0.3012" in text
    assert "1 training<" in api.get("/v1/jobs/compare.svg", params={"ids": ids[0]}).text
    other = training(api, api_sessions, [])
    assert b"<svg " in api.get("/v1/jobs/compare.svg", params={"ids": other}).content


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_no_two_of_twenty_curves_look_alike(theme: Theme) -> None:
    epochs = [{"epoch": 1, "train_loss": 0.2, "validation_loss": 0.1, "validation_accuracy": 0.9}]
    drawing = draw_comparison({str(number): epochs for number in range(MAX_COMPARED)}, title="", theme=theme)
    looks = {(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in drawing.figure.axes[0].lines}
    assert len(looks) == MAX_COMPARED


def test_what_cannot_be_compared_is_refused(api: httpx.Client, api_sessions: Sessions) -> None:
    sweep = api.post("/v1/jobs", json={"kind": "backprop_sweep"}).json()["id"]
    api.post(f"/v1/jobs/{sweep}/cancel")
    missing = "01890000-0000-7000-8000-000000000000"
    many = ",".join(f"01890000-0000-7000-8000-{number:012}" for number in range(21))
    for ids, status, word in (
        (sweep, 422, "only trainings"),
        (missing, 404, missing),
        ("compare", 404, "compare"),
        (many, 422, "at most"),
        (",", 422, "1 to 20"),
        (None, 422, "ids"),
    ):
        for path in ("/v1/jobs/compare", "/v1/jobs/compare.svg"):
            answer = api.get(path, params={} if ids is None else {"ids": ids})
            assert (answer.status_code, word in answer.text) == (status, True), (path, answer.text)
