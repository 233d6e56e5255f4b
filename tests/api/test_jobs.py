import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.db import Sessions
from app.jobs import runs
from app.storage import Storage
from tests.fakes import RecordedNotifier
from tests.workers import claim, run_job
from worker.sweep import sweep

SWEEP = {"kind": "backprop_sweep", "epochs": 4}


def submit(api: httpx.Client, body: dict[str, Any] | None = None) -> str:
    answer = api.post("/v1/jobs", json=body or SWEEP)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def test_submitted_job_answers_202_with_its_place_and_notifies_the_workers(
    api: httpx.Client, notifier: RecordedNotifier
) -> None:
    notifier.notified.clear()
    answer = api.post("/v1/jobs", json=SWEEP)
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["result"], job["error"], job["attempt"]) == ("queued", None, None, 0)
    assert job["spec"]["learning_rates"] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]
    assert notifier.notified == ["sweeps"]


def test_training_goes_to_its_own_queue_with_the_recipe_filled_in(
    api: httpx.Client, notifier: RecordedNotifier
) -> None:
    notifier.notified.clear()
    job = api.get(f"/v1/jobs/{submit(api, {'kind': 'mnist_training', 'recipe': 'reference'})}").json()
    assert (job["spec"]["epochs"], job["spec"]["learning_rate"]) == (19, 0.01)
    assert notifier.notified == ["training"]


def test_idempotency_key_gives_the_first_job_again(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.post("/v1/jobs", json=SWEEP, headers=headers), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = api.post("/v1/jobs", json=SWEEP | {"epochs": 5}, headers=headers)
    assert other.status_code == 422
    assert other.json()["errors"][0]["location"] == "header.Idempotency-Key"


def test_prefer_wait_answers_200_with_the_finished_job(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    def work_on_the_newest() -> None:
        while not (jobs := api.get("/v1/jobs", params={"status": "queued", "limit": 1}).json()["items"]):
            pass
        run_job(api_sessions, jobs[0]["id"], lambda run: sweep(run, api_storage))

    for job in api.get("/v1/jobs", params={"status": "queued", "limit": 100}).json()["items"]:
        api.post(f"/v1/jobs/{job['id']}/cancel")
    worker = Thread(target=work_on_the_newest)
    worker.start()
    answer = api.post("/v1/jobs", json=SWEEP, headers={"Prefer": "respond-async, wait=20"})
    worker.join()
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert len(answer.json()["result"]["trials"]) == 6


def test_prefer_wait_answers_202_when_the_time_is_over(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json=SWEEP, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


def test_jobs_are_paged(api: httpx.Client) -> None:
    ids = [submit(api) for _ in range(5)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while len(seen) < 5:
        page = api.get("/v1/jobs", params={"limit": 2} | cursor).json()
        seen += [job["id"] for job in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        assert "result" not in page["items"][0]
    assert seen[:5] == ids[::-1]


def test_events_stream_to_the_end_and_resume_where_a_reader_left(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    job_id = submit(api)
    run_job(api_sessions, job_id, lambda run: sweep(run, api_storage))
    with api.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = parse_events(answer.read().decode())
    assert [event["event"] for event in events] == ["status", "status", *["trial"] * 6, "status"]
    assert [event["id"] for event in events] == [str(number) for number in range(1, 10)]
    rest = api.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "7"})
    assert parse_events(rest.text) == events[7:]


def test_events_are_a_paged_list_for_who_accepts_json(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage
) -> None:
    job_id = submit(api)
    run_job(api_sessions, job_id, lambda run: sweep(run, api_storage))
    url, headers = f"/v1/jobs/{job_id}/events", {"Accept": "application/json"}
    first = api.get(url, headers=headers, params={"limit": 5}).json()
    rest = api.get(url, headers=headers, params={"cursor": first["next_cursor"]}).json()
    assert [event["id"] for event in first["items"] + rest["items"]] == list(range(1, 10))
    assert set(first["items"][0]) == {"id", "event", "at", "data"}
    assert rest["next_cursor"] is None


def test_events_arrive_while_the_job_runs(api: httpx.Client, api_sessions: Sessions) -> None:
    job_id = submit(api)
    claimed = claim(api_sessions, job_id)
    with api.stream("GET", f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "2"}) as answer:
        lines = answer.iter_lines()
        for message in ("one", "two"):
            runs.report(api_sessions, claimed, "log", {"message": message})
            assert next(line for line in lines if line.startswith("data:")).startswith(
                f'data: {{"message": "{message}"'
            )
        runs.fail(api_sessions, claimed, reason="error", detail="enough")
        assert '"failed"' in "".join(lines)


def test_cancel_answers_the_job_and_then_409(api: httpx.Client) -> None:
    job_id = submit(api)
    assert api.post(f"/v1/jobs/{job_id}/cancel").json()["status"] == "cancelled"
    again = api.post(f"/v1/jobs/{job_id}/cancel")
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"kind": "mnist_training", "device": "tpu"}, "body.device"),
        ({"kind": "mnist_training", "device": "cuda"}, "body.device"),
        ({"kind": "mnist_training", "epochs": 0}, "body.epochs"),
        ({"kind": "mnist_training", "colour": "red"}, "body.colour"),
        ({"kind": "mnist_training", "recipe": ["fast"]}, "body.recipe"),
        ({"kind": "backprop_sweep", "learning_rates": [0.1, -1]}, "body.learning_rates.1"),
        ({"kind": "baking"}, "body.kind"),
        ([], "body"),
    ],
)
def test_bad_spec_is_refused_with_its_field(api: httpx.Client, body: Any, location: str) -> None:
    answer = api.post("/v1/jobs", json=body)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) >= {"type", "title", "status", "detail", "instance"}
    assert problem["errors"][0]["location"] == location


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"kind": NaN}', "\x00", "[" * 100_000, "9" * 5000, '{"kind": "backprop_sweep", "inputs": [NaN, 1]}'],
)
def test_what_is_not_json_is_refused(api: httpx.Client, content: str) -> None:
    answer = api.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    json.dumps(answer.json(), allow_nan=False)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"seed": ' + b"9" * 5000 + b"}", "a number in it has more than 4,300 digits."),
        (b'{"kind": "x",\n "name": "\xff"}', "it is not UTF-8 at line 2, column 11."),
        ('{"kind": "ä'.encode() + b'\xff"}', "it is not UTF-8 at line 1, column 12."),
        (b"[" * 10_000, "it is nested too deep."),
        (b" ", "it is empty."),
    ],
    ids=["digits", "bytes", "letters", "depth", "nothing"],
)
def test_what_is_not_json_is_told_why_and_where_in_plain_words(api: httpx.Client, content: bytes, why: str) -> None:
    answer = api.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, f"The body is not JSON: {why}")


@pytest.mark.parametrize("job_id", ["01890000-0000-7000-8000-000000000000", "nonsense", "%00", "a" * 3000])
def test_unknown_job_is_404(api: httpx.Client, job_id: str) -> None:
    for answer in (
        api.get(f"/v1/jobs/{job_id}"),
        api.get(f"/v1/jobs/{job_id}/events"),
        api.post(f"/v1/jobs/{job_id}/cancel"),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_id_in_upper_case_is_the_same(api: httpx.Client) -> None:
    job = api.post("/v1/jobs", json={"kind": "backprop_sweep", "learning_rates": [0.5]}).json()
    upper = job["id"].upper()
    assert api.get(f"/v1/jobs/{upper}").json() == job
    assert api.post("/v1/backprop/trace", json={"job": upper}).status_code == 200
    assert job["id"] in api.get("/v1/jobs/compare", params={"ids": upper}).json()["detail"]


def test_wrong_path_method_and_parameters_are_problems_too(api: httpx.Client) -> None:
    nothing = api.get("/v1/nothing").json()
    assert (nothing["status"], nothing["detail"][:32]) == (404, "There is nothing at /v1/nothing.")
    misspelt = api.post("/v1/job/x/retry").json()
    assert misspelt["detail"].startswith("There is nothing at /v1/job/x/retry; do you mean /v1/jobs/x/retry? GET")
    wrong_method = api.put("/v1/jobs")
    assert (wrong_method.status_code, wrong_method.headers["Allow"]) == (405, "GET, HEAD, POST")
    for path, allowed in (("/v1/models/aliases", "GET, HEAD"), ("/v1/jobs/compare", "GET, HEAD"),
                          ("/v1/datasets/x", "DELETE, GET, HEAD")):  # fmt: skip
        assert api.post(path).headers["Allow"] == allowed
    assert api.get("/v1/jobs", params={"limit": 0}).json()["errors"][0]["location"] == "query.limit"
    assert api.get("/v1/jobs", params={"cursor": "'"}).status_code == 422
    job_id = submit(api)
    assert api.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "-1"}).status_code == 422
    assert api.post("/v1/jobs", json=SWEEP, headers={"Prefer": "wait=9999"}).status_code == 422


def test_body_of_another_type_is_415(api: httpx.Client) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "image/png"):
        answer = api.post("/v1/jobs", content=b"{}", headers={"Content-Type": content_type})
        assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/v1/jobs/{job_id}/retry", "/v1/backprop/trace", "/v1/models/aliases/champion/rollback"]
)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", ""])
def test_body_that_need_not_be_there_is_415_without_the_type_too(
    api: httpx.Client, path: str, content_type: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = api.post(path.format(job_id=submit(api)), content=b'{"epochs": 3}', headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (415, "header.Content-Type")
    assert answer.json()["detail"].endswith("Set Content-Type: application/json.")


def test_specs_are_small_so_a_large_body_is_413_declared_or_not(api: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield from [b" " * 2**19] * 4

    for content in (b" " * 2**21, chunks()):
        answer = api.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413, answer.text


def parse_events(text: str) -> list[dict[str, str]]:
    """The events of a stream, without the comments that keep the connection alive."""
    blocks = [block for block in text.strip().split("\n\n") if not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


@pytest.mark.parametrize(
    ("accept", "goes_on"),
    [
        ("image/svg+xml", True),
        ("IMAGE/SVG+XML", True),
        ("image/svg+xml;q=0, */*", False),
        ("text/html, image/svg+xml", False),
    ],
)
def test_picture_is_gone_on_to_only_where_it_is_asked_for(api: httpx.Client, accept: str, goes_on: bool) -> None:
    answer = api.post("/v1/jobs", json=SWEEP, headers={"Accept": accept})
    assert answer.status_code == (303 if goes_on else 202)


def test_jobs_are_found_by_name_and_by_tag(api: httpx.Client) -> None:
    tag, name = f"tag {uuid4()}", f"name {uuid4()}"
    first = submit(api, SWEEP | {"name": name, "tags": [tag, "shared", tag]})
    second = submit(api, {"kind": "mnist_training", "tags": [tag]})
    submit(api)
    document = api.get(f"/v1/jobs/{first}").json()
    assert (document["name"], document["tags"]) == (name, [tag, "shared", tag])
    for query, expected in (
        ({"tag": tag}, [second, first]),
        ({"tag": tag, "kind": "backprop_sweep"}, [first]),
        ({"name": name}, [first]),
        ({"name": name, "tag": "other"}, []),
        ({"name": name[:-1]}, []),
    ):
        items = api.get("/v1/jobs", params=query).json()["items"]
        assert [item["id"] for item in items] == expected, query
    page = api.get("/v1/jobs", params={"tag": tag, "limit": 1}).json()
    assert [item["id"] for item in page["items"]] == [second]
    rest = api.get("/v1/jobs", params={"tag": tag, "cursor": page["next_cursor"]}).json()
    assert [(item["id"], item["name"]) for item in rest["items"]] == [(first, name)]


def test_unknown_kind_and_field_suggest_the_nearest(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json={"kind": "mnist_trainig"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].endswith("do you mean 'mnist_training'?")
    answer = api.post("/v1/jobs", json={"kind": "mnist_training", "epoch": 3})
    (error,) = answer.json()["errors"]
    assert error["location"].startswith("body")
    assert error["location"].endswith("epoch")
    assert "do you mean 'epochs'?" in error["message"]
    nested = api.post("/v1/jobs", json=SWEEP | {"stop": {"patiense": 3}}).json()["errors"][0]
    assert nested["location"].endswith("stop.patiense")
    assert "do you mean 'patience'?" in nested["message"]


def test_many_unknown_fields_are_refused_in_little_time(api: httpx.Client) -> None:
    began_at = time.monotonic()
    answer = api.post("/v1/jobs", json={"kind": "mnist_training"} | {f"{n}" * 300: 1 for n in range(900)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 20
    assert time.monotonic() - began_at < 2


def test_batch_that_is_larger_than_the_data_is_refused(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": "optdigits", "batch_size": 2048})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "body.batch_size"
    assert "1,197 training pictures of optdigits" in answer.json()["detail"]
    assert api.post("/v1/jobs", json={"kind": "mnist_training", "epochs": 0}).status_code == 422


def test_running_job_that_is_cancelled_says_so_until_its_end(api: httpx.Client, api_sessions: Sessions) -> None:
    job_id = submit(api)
    claimed = claim(api_sessions, job_id)
    assert api.get(f"/v1/jobs/{job_id}").json()["cancel_requested"] is False
    assert api.post(f"/v1/jobs/{job_id}/cancel").json()["cancel_requested"] is True
    runs.end_cancelled(api_sessions, claimed)
    ended = api.get(f"/v1/jobs/{job_id}").json()
    assert (ended["status"], ended["cancel_requested"]) == ("cancelled", False)


def test_failed_training_keeps_its_epochs_and_no_time_left(api: httpx.Client, api_sessions: Sessions) -> None:
    job_id = submit(api, {"kind": "mnist_training"})
    assert api.get(f"/v1/jobs/{job_id}").json()["epochs"] == []
    claimed = claim(api_sessions, job_id)
    progress = {"done": 10, "total": 50, "unit": "batches", "eta_seconds": 4.0}
    runs.renew(api_sessions, claimed, lease_seconds=30, progress=progress)
    runs.record_checkpoint(api_sessions, claimed, step=10, artifact="a", sha256="x", epochs=[{"epoch": 1}])
    assert api.get(f"/v1/jobs/{job_id}").json()["progress"] == progress
    runs.fail(api_sessions, claimed, reason="error", detail="The loss is not finite at step 13.")
    ended = api.get(f"/v1/jobs/{job_id}").json()
    assert (ended["status"], ended["epochs"]) == ("failed", [{"epoch": 1}])
    assert ended["progress"] == progress | {"eta_seconds": None}
    assert api.get(f"/v1/jobs/{submit(api)}").json()["epochs"] is None


@pytest.mark.parametrize("parameter", ["name", "tag"])
def test_control_characters_are_no_name_and_no_tag_to_look_for(api: httpx.Client, parameter: str) -> None:
    answer = api.get(f"/v1/jobs?{parameter}=a%00")
    assert answer.status_code == 422  # PostgreSQL would not take the question
    assert answer.json()["errors"][0]["location"] == f"query.{parameter}"


def test_retry_with_changes_makes_a_new_job_and_says_where_it_begins(
    api: httpx.Client, api_sessions: Sessions, notifier: RecordedNotifier
) -> None:
    old = submit(api, {"kind": "mnist_training"})
    runs.fail(api_sessions, claim(api_sessions, old), reason="error", detail="no")
    for changes in (
        {"learning_rate": 0},
        {"epochs": 201},
        {"epocs": 3},
        {"batch_size": 7},
        {"learning_rate": "0.1"},
        [],
    ):
        assert api.post(f"/v1/jobs/{old}/retry", json=changes).status_code == 422, changes
    (error,) = api.post(f"/v1/jobs/{old}/retry", json={"seed": 3}).json()["errors"]
    assert error["message"].endswith("there is no such field; there are batch_size, epochs, learning_rate")
    notifier.notified.clear()
    answer = api.post(f"/v1/jobs/{old}/retry", json={"learning_rate": 0.05, "epochs": 6})
    new = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{new['id']}"
    assert (new["spec"]["learning_rate"], new["spec"]["epochs"], new["status"]) == (0.05, 6, "queued")
    assert (new["origin"]["job"], new["origin"]["step"]) == (old, 0)
    assert "one_cycle" in new["origin"]["why"]
    assert "training" in notifier.notified
    assert api.get(f"/v1/jobs/{old}").json()["status"] == "failed"
    again = api.post(f"/v1/jobs/{old}/retry", json={}).json()
    assert (again["id"], again["status"], again["origin"]) == (old, "queued", None)
