import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, text, update

from app.config import Settings
from app.db import Sessions
from app.jobs import runs
from app.jobs.tables import Worker
from app.migrations.migrate import upgrade
from models.revision import find_commit
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.s3 import Line, credentials
from tests.workers import claim

SWEEP = {"kind": "backprop_sweep"}


def wait_until(is_so: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def assert_is_problem(answer: httpx.Response, status: int, *words: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert all(word in answer.json()["detail"] for word in words), answer.text


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:9/none", None])
def test_service_without_its_database_is_alive_but_not_ready_and_says_why(tmp_path: Path, url: str | None) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port(), database_url=url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/livez").status_code == 200
        assert_is_problem(client.get("/readyz"), 503, "numeral migrate" if url is None else "database")
        assert_is_problem(client.post("/v1/predict", json={"pixels": [0] * 784}), 503, "/readyz")
        assert_is_problem(client.post("/v1/jobs", json=SWEEP), 503, "Nothing was changed")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_service_becomes_ready_by_itself_once_the_database_has_tables(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres") if kind == "postgresql" else None  # the server's own, empty database
    settings = Settings(data_dir=tmp_path, port=free_port(), database_url=url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").status_code == 503
        upgrade(settings.resolved_database_url)
        while client.get("/readyz").status_code != 200:
            pass
        assert client.post("/v1/jobs", json=SWEEP).status_code == 202


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_lost_storage_is_said_predictions_go_on_and_it_recovers_by_itself(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = tmp_path / "artifacts", None
    if kind == "s3":
        server = request.getfixturevalue("s3_server")
        line, url = Line(server.port), f"s3://{server.make_bucket()}/artifacts"
        for name, value in credentials(line.url).items():
            monkeypatch.setenv(name, value)
    settings = Settings(data_dir=tmp_path, port=free_port(), storage_url=url)
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        line.close() if kind == "s3" else folder.rename(tmp_path / "away")
        wait_until(lambda: client.get("/readyz").status_code == 503)
        assert_is_problem(client.get("/readyz"), 503, "artifact", "Predictions go on from memory")
        assert client.post("/v1/predict", json={"pixels": [0] * 784}).status_code == 200
        assert client.post("/v1/jobs", json=SWEEP).status_code == 202
        assert_is_problem(client.get("/v1/models/1/files/model.onnx"), 503, "artifact")
        line.open() if kind == "s3" else (tmp_path / "away").rename(folder)
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/v1/models/1/files/model.onnx").status_code == 200
    if kind == "s3":
        line.close()


def test_full_disk_is_507_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    sessions = Sessions(settings.resolved_database_url)
    with sessions.reading() as session:
        pages = session.scalar(text("PRAGMA page_count"))

    def fill_disk(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    monkeypatch.setattr("app.services.Sessions", lambda _: sessions)
    with serve(settings, RecordedNotifier()) as client:
        kept = [client.post("/v1/jobs", json=SWEEP).json()["id"] for _ in range(3)]
        event.listen(sessions.engine, "checkout", lambda connection, record, _: fill_disk(connection, record))
        while (answer := client.post("/v1/jobs", json=SWEEP)).status_code == 202:
            kept.append(answer.json()["id"])
        assert_is_problem(answer, 507, "disk is full")
        assert [client.get(f"/v1/jobs/{job_id}").status_code for job_id in kept] == [200] * len(kept)


def test_home_page_and_documents_are_there(api: httpx.Client) -> None:
    assert "Numeral" in api.get("/").text
    assert api.get("/docs").status_code == 200
    document = api.get("/openapi.json").json()
    assert {"/v1/jobs", "/v1/predict", "/v1/predict/batch", "/v1/models", "/readyz"} <= set(document["paths"])


def test_openapi_document_has_bounds_by_the_names_of_json_schema(api: httpx.Client) -> None:
    document = api.get("/openapi.json").text
    assert not re.search('"(ge|gt|le|lt)":', document)
    layers = json.loads(document)["components"]["schemas"]["BackpropSweepSpec"]["properties"]["layers"]
    assert (layers["items"]["minimum"], layers["items"]["maximum"]) == (1, 64)


def test_system_shows_queues_workers_with_their_jobs_and_versions(
    api: httpx.Client, api_sessions: Sessions, notifier: RecordedNotifier
) -> None:
    first, second = (api.post("/v1/jobs", json=SWEEP | {"priority": 9}).json()["id"] for _ in range(2))
    before = api.get("/v1/system").json()
    runs.report_alive(api_sessions, "here:1", device="cpu", version="1.2.3")
    held = claim(api_sessions, first, worker="here:1")
    lost = claim(api_sessions, second, worker="elsewhere:1")
    system = api.get("/v1/system").json()
    worker = next(worker for worker in system["workers"] if worker["name"] == "here:1")
    assert (worker["device"], worker["version"]) == ("cpu", "1.2.3")
    assert worker["job"]["id"] == first
    assert worker["job"]["lease_until"] > system["now"]
    assert second in [job["id"] for job in system["running_elsewhere"]]
    sweeps = {state["name"]: state for state in system["queues"]}["sweeps"]
    earlier = {state["name"]: state for state in before["queues"]}["sweeps"]
    assert (sweeps["queued"], sweeps["running"]) == (earlier["queued"] - 2, earlier["running"] + 2)
    assert sweeps["hints"] == notifier.depth("sweeps")
    assert system["champion"] == api.get("/v1/models/champion").json()["version"]
    assert set(system["versions"]) == {"numeral", "commit", "python", "database", "schema"}
    built = api.get("/livez").json()
    assert (built["version"], built["commit"]) == (system["versions"]["numeral"], find_commit())
    for claimed in (held, lost):
        runs.release(api_sessions, claimed, counts_as_failure=False, detail="the test is over")


def test_job_is_tried_again_and_deleted_over_http(api: httpx.Client, notifier: RecordedNotifier) -> None:
    job_id = api.post("/v1/jobs", json=SWEEP).json()["id"]
    for refused in (api.post(f"/v1/jobs/{job_id}/retry"), api.delete(f"/v1/jobs/{job_id}")):
        assert_is_problem(refused, 409, "still queued")
    api.post(f"/v1/jobs/{job_id}/cancel")
    notifier.notified.clear()
    again = api.post(f"/v1/jobs/{job_id}/retry")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    assert notifier.notified == ["sweeps"]
    api.post(f"/v1/jobs/{job_id}/cancel")
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert_is_problem(api.delete(f"/v1/jobs/{job_id}"), 404, job_id)


def test_too_many_waiting_jobs_are_429_with_a_time_to_come_back(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port(), max_queued=2)
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        answers = [client.post("/v1/jobs", json=SWEEP) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert_is_problem(answers[-1], 429, "backprop_sweep")


def test_job_that_a_worker_left_behind_is_shown_beside_its_next_one(api: httpx.Client, api_sessions: Sessions) -> None:
    jobs = [api.post("/v1/jobs", json=SWEEP).json()["id"] for _ in range(2)]
    runs.report_alive(api_sessions, "twice:1", device="cpu", version="1")
    claims = [claim(api_sessions, job, worker="twice:1") for job in jobs]
    system = api.get("/v1/system").json()
    assert next(worker for worker in system["workers"] if worker["name"] == "twice:1")["job"]["id"] == jobs[1]
    assert jobs[0] in [job["id"] for job in system["running_elsewhere"]]
    for claimed in claims:
        runs.release(api_sessions, claimed, counts_as_failure=False, detail="the test is over")


def test_system_shows_each_gpu_and_a_job_that_waits_for_one_says_so(api: httpx.Client, api_sessions: Sessions) -> None:
    runs.report_alive(
        api_sessions, "big:7", device="cuda", version="1", gpu_name="NVIDIA H100", gpu_memory_bytes=85_520_809_984
    )
    runs.report_alive(api_sessions, "small:7", device="cpu", version="1")
    asked = api.post("/v1/jobs", json={"kind": "mnist_training", "device": "cuda"}).json()
    assert asked["notice"] is None
    workers = {worker["name"]: worker for worker in api.get("/v1/system").json()["workers"]}
    assert workers["big:7"]["gpu"] == {"name": "NVIDIA H100", "memory_bytes": 85_520_809_984}
    assert (workers["small:7"]["device"], workers["small:7"]["gpu"]) == ("cpu", None)
    with api_sessions.writing() as session:
        session.execute(update(Worker).where(Worker.device == "cuda").values(seen_at=datetime(2020, 1, 1, tzinfo=UTC)))
    assert "waits for a worker with a CUDA device" in api.get(f"/v1/jobs/{asked['id']}").json()["notice"]
    notices = {queue["name"]: queue["notice"] for queue in api.get("/v1/system").json()["queues"]}
    assert "CUDA" in notices["training-cuda"]
    assert notices["training"] is notices["sweeps"] is None
    cancelled = api.post(f"/v1/jobs/{asked['id']}/cancel").json()
    assert (cancelled["status"], cancelled["notice"]) == ("cancelled", None)
    assert "CUDA" in api.post(f"/v1/jobs/{asked['id']}/retry").json()["notice"]
    api.post(f"/v1/jobs/{asked['id']}/cancel")


def test_damaged_database_file_is_said_not_500(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port())
    (tmp_path / "numeral.db").write_bytes(bytes(range(256)) * 64)
    with serve(settings, RecordedNotifier()) as client:
        assert_is_problem(client.get("/readyz"), 503, "not a database")
        assert_is_problem(client.post("/v1/jobs", json=SWEEP), 503, "not a database", "backup")


def test_lost_model_files_are_named_where_no_network_is_loaded(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/readyz").is_success
    for file in (tmp_path / "artifacts" / "models").rglob("model.onnx"):
        file.unlink()
    with serve(settings, RecordedNotifier()) as client:
        assert_is_problem(client.get("/readyz"), 503, "model.onnx", "gone")
