"""What the files of jobs may take in the store, and how long they stay."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from app.db import Sessions, database_now
from app.errors import QuotaReached
from app.jobs import retries, runs, service
from app.jobs.lifecycle import JobStatus
from app.jobs.quotas import Quota
from app.jobs.retention import remove_old_curves
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec
from app.jobs.specs.training import CHECKPOINT_BYTES, MODEL_BYTES
from app.jobs.tables import Job
from app.maintenance.gc import find_garbage
from app.storage import Storage
from tests.api.test_plots import finished_sweep
from tests.workers import claim, run_job
from worker.runner import Run
from worker.sweep import sweep

LONG: dict[str, Any] = {"kind": "backprop_sweep", "learning_rates": [0.5, 1.0], "epochs": 20_000}
FILE = BackpropSweepSpec.model_validate(LONG).stored_bytes  # some 500 kB


def submit(sessions: Sessions, spec: Any, max_bytes: int) -> str:
    return service.submit(sessions, spec, quota=Quota(max_bytes, "NUMERAL_MAX"))[0].id


def test_sweeps_that_wait_count_with_what_they_will_store(sessions: Sessions) -> None:
    spec = BackpropSweepSpec.model_validate(LONG)
    first = submit(sessions, spec, 2 * FILE)
    submit(sessions, spec, 2 * FILE)
    with pytest.raises(QuotaReached, match="NUMERAL_MAX"):
        submit(sessions, spec, 2 * FILE)
    assert submit(sessions, BackpropSweepSpec(kind="backprop_sweep"), 0)  # it stores no file
    service.cancel(sessions, first)
    submit(sessions, spec, 2 * FILE)
    with pytest.raises(QuotaReached):
        retries.retry(sessions, first, quota=lambda _: Quota(2 * FILE, "NUMERAL_MAX"))


def test_a_sweep_that_has_ended_counts_with_what_it_stored(sessions: Sessions, storage: Storage) -> None:
    spec = BackpropSweepSpec.model_validate(LONG)
    job_id = submit(sessions, spec, FILE)
    run_job(sessions, job_id, lambda run: sweep(run, storage))
    ended = service.get(sessions, job_id)
    assert ended.result is not None
    assert ended.stored_bytes == ended.result["curves"]["size"]
    assert 0.99 * FILE < ended.stored_bytes <= FILE
    with pytest.raises(QuotaReached):
        submit(sessions, spec, FILE + 1000)
    service.delete(sessions, job_id)
    assert submit(sessions, spec, FILE)


def test_trainings_count_with_their_checkpoints_and_models(sessions: Sessions) -> None:
    spec = MnistTrainingSpec.model_validate({"kind": "mnist_training", "epochs": 4})
    room = 4 * CHECKPOINT_BYTES + MODEL_BYTES
    claimed = claim(sessions, submit(sessions, spec, room))
    for step in (10, 20):
        runs.record_checkpoint(sessions, claimed, step=step, artifact=f"a{step}", sha256="")
    with pytest.raises(QuotaReached):
        submit(sessions, spec, 2 * room - 1)
    runs.fail(sessions, claimed, reason="error", detail="test")
    with pytest.raises(QuotaReached):
        submit(sessions, spec, room + 2 * CHECKPOINT_BYTES - 1)
    assert submit(sessions, spec, room + 2 * CHECKPOINT_BYTES)


def test_past_the_quota_a_client_is_told_507_and_what_to_do(api: httpx.Client) -> None:
    fields = {"kind": "backprop_sweep", "learning_rates": [0.001 * (i + 1) for i in range(500)], "epochs": 99_999}
    answers = [api.post("/v1/jobs", json=fields) for _ in range(26)]  # 400 MB each, 10 GB by default
    assert {answer.status_code for answer in answers[:24]} == {202}
    assert answers[25].status_code == 507
    assert "NUMERAL_MAX_CURVE_BYTES" in answers[25].json()["detail"]
    assert api.post("/v1/jobs", json={"kind": "backprop_sweep"}).status_code == 202


def test_old_curves_go_and_their_job_says_so(api: httpx.Client, api_sessions: Sessions, api_storage: Storage) -> None:
    old, young = (finished_sweep(api, api_sessions, api_storage, max_points=10) for _ in range(2))
    with api_sessions.writing() as session:
        at = database_now(session) - timedelta(days=31)
        session.execute(update(Job).where(Job.id == old["id"]).values(finished_at=at))
    assert remove_old_curves(api_sessions, api_storage, days=30) == 1
    assert remove_old_curves(api_sessions, api_storage, days=30) == 0
    for name in ("curves", "curves.npz"):
        answer = api.get(f"/v1/jobs/{old['id']}/{name}")
        assert answer.status_code == 404
        assert "NUMERAL_CURVES_DAYS" in answer.json()["detail"]
        assert api.get(f"/v1/jobs/{young['id']}/{name}").is_success
    assert api.get(f"/v1/jobs/{old['id']}").json()["result"] == old["result"]
    assert api.get(f"/v1/jobs/{old['id']}/plot.svg").is_success
    names = [stored.name for stored in api_storage.list() if stored.name.startswith("curves/")]
    assert young["result"]["curves"]["artifact"] in names
    assert old["result"]["curves"]["artifact"] not in names


def test_a_file_that_was_left_when_its_row_was_changed_is_garbage(sessions: Sessions, storage: Storage) -> None:
    ids = [submit(sessions, BackpropSweepSpec.model_validate(LONG), 10 * FILE) for _ in range(2)]
    for job_id in ids:
        run_job(sessions, job_id, lambda run: sweep(run, storage))
    with sessions.writing() as session:
        session.execute(update(Job).where(Job.id == ids[0]).values(stored_bytes=0))
    garbage = find_garbage(sessions, storage, grace=timedelta(0))
    assert [artifact.name for artifact in garbage.artifacts] == [f"curves/{ids[0]}-1.npz"]


def test_a_sweep_that_is_cancelled_while_it_stores_leaves_no_file(sessions: Sessions, storage: Storage) -> None:
    job_id = submit(sessions, BackpropSweepSpec.model_validate(LONG), FILE)

    def work(run: Run) -> Any:
        put_file = storage.put_file
        storage.put_file = lambda *args: (put_file(*args), service.cancel(sessions, job_id))[0]  # type: ignore
        return sweep(run, storage)

    run_job(sessions, job_id, work)
    with sessions.reading() as session:
        assert session.scalar(select(Job.status).where(Job.id == job_id)) == JobStatus.CANCELLED
    assert list(storage.list()) == []
