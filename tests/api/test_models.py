import hashlib
import time
from pathlib import Path

import httpx

from app.db import Sessions
from app.storage import Storage
from tests.workers import run_job
from worker.training import train


def test_shipped_version_has_a_card_and_files(api: httpx.Client) -> None:
    listed = api.get("/v1/models").json()["items"]
    assert listed[-1]["version"] == "1"
    model = api.get("/v1/models/champion").json()
    assert model["card"]["parameters"] == 16_562
    assert model["test_accuracy"] >= 0.9940
    for file in model["files"]:
        answer = api.get(file["href"])
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert len(answer.content) == file["size"]


def test_what_is_not_there_is_404(api: httpx.Client) -> None:
    for path in (
        "/v1/models/99",
        "/v1/models/%00",
        "/v1/models/1/files/secrets.txt",
        "/v1/models/1/files/%2e%2e%2fcard.json",
    ):
        assert api.get(path).status_code == 404, path


def test_it_is_alive_and_ready(api: httpx.Client) -> None:
    assert api.get("/livez").json()["live"] is True
    deadline = time.monotonic() + 10
    while (answer := api.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline, answer.text
    assert (answer.json()["ready"], answer.json()["model"]) == (True, {"version": "1"})


def test_note_is_written_replaced_and_removed(api: httpx.Client) -> None:
    assert api.get("/v1/models/1").json()["note"] is None
    for note in ("best on the scans\nand on photos", "x" * 1000, None):
        answer = api.patch("/v1/models/1", json={"note": note})
        assert (answer.status_code, answer.json()["note"]) == (200, note)
        assert api.get("/v1/models").json()["items"][-1]["note"] == note
    for wrong in ({"note": "x" * 1001}, {"note": ""}, {"note": "a\x00b"}, {"note": 1}, {}, {"nota": "a"}):
        assert api.patch("/v1/models/1", json=wrong).status_code == 422, wrong
    assert api.patch("/v1/models/99", json={"note": "a"}).status_code == 404
    assert api.patch("/v1/models/1", content="note=a").status_code == 415


def test_version_names_the_job_that_made_it(
    api: httpx.Client, api_sessions: Sessions, api_storage: Storage, tmp_path: Path
) -> None:
    assert api.get("/v1/models/1").json()["job"] is None
    job = api.post("/v1/jobs", json={"kind": "mnist_training", "dataset": "optdigits", "epochs": 1}).json()
    assert api.get(job["links"]["hardest"]).status_code == 404
    run_job(api_sessions, job["id"], lambda run: train(run, api_storage, data_dir=tmp_path, mnist_dir=None))
    version = api.get(f"/v1/jobs/{job['id']}").json()["result"]["model_version"]
    assert api.get(f"/v1/models/{version}").json()["job"] == job["id"]
    sheet = api.get(job["links"]["hardest"])
    assert sheet.headers["content-type"] == "image/png"
    assert sheet.content.startswith(b"\x89PNG")
    assert api.get(f"/v1/models/{version}/files/hardest.png").content == sheet.content
    assert api.delete(f"/v1/models/{version}").status_code == 204
    gone = api.get(job["links"]["hardest"])
    assert (gone.status_code, gone.json()["title"]) == (404, "Pictures not there")
