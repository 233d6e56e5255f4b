import threading
import time
from pathlib import Path
from typing import Any, get_args

import pytest
from sqlalchemy.orm import Session

from app.api.plots import DRAWINGS
from app.db import Sessions
from app.errors import DatabaseUnavailable, StorageFull, StorageUnavailable
from app.jobs import service
from app.jobs.specs import BackpropSweepSpec, JobKind, MnistTrainingSpec, job_spec_adapter
from app.jobs.transitions import get_job
from app.storage import Storage
from models.errors import DatasetUnavailable
from tests.workers import run_job
from worker.retrying import retry_while_unavailable
from worker.runner import Finish, Run, Work, run_next
from worker.sweep import sweep


@pytest.fixture
def job_id(sessions: Sessions) -> str:
    return service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep", epochs=5))[0].id


def done(_: Session) -> dict[str, Any]:
    return {"done": True}


def until_stopped(run: Run) -> Finish:
    while True:
        run.check()
        time.sleep(0.001)


def test_sweep_runs_to_its_result(sessions: Sessions, storage: Storage, job_id: str) -> None:
    run_job(sessions, job_id, lambda run: sweep(run, storage))
    job = service.get(sessions, job_id)
    assert job.status == "succeeded"
    assert job.result is not None
    assert [trial["learning_rate"] for trial in job.result["trials"]] == [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]
    assert job.progress == {"done": 30, "total": 30, "unit": "steps", "eta_seconds": 0.0}


def test_kind_of_the_claimed_job_chooses_its_work(sessions: Sessions, job_id: str) -> None:
    training, _ = service.submit(sessions, MnistTrainingSpec(kind="mnist_training"))
    with sessions.writing() as session:
        get_job(session, training.id).queue = "sweeps"  # a queue of two kinds
    ran: list[tuple[str, str]] = []

    def work_of(kind: str) -> Work:
        def work(run: Run) -> Finish:
            ran.append((kind, run.claim.job_id))
            return done

        return work

    works = {kind: work_of(kind) for kind in ("mnist_training", "backprop_sweep")}
    for _ in range(3):
        run_next(sessions, "sweeps", works)
    assert ran == [("backprop_sweep", job_id), ("mnist_training", training.id)]


def test_every_kind_of_job_has_its_work_and_its_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMERAL_DATA_DIR", str(tmp_path))
    from worker.work import WORK  # opens the store of the settings

    kinds = set(get_args(JobKind))
    assert kinds == set(WORK) == set(DRAWINGS) == set(job_spec_adapter.json_schema()["discriminator"]["mapping"])


def test_job_that_is_not_queued_is_not_run(sessions: Sessions, job_id: str) -> None:
    service.cancel(sessions, job_id)
    run_job(sessions, job_id, lambda _: pytest.fail("it ran"))


def test_running_job_ends_when_it_is_cancelled(sessions: Sessions, job_id: str) -> None:
    runner = threading.Thread(target=run_job, args=(sessions, job_id, until_stopped))
    runner.start()
    deadline = time.monotonic() + 10
    while service.get(sessions, job_id).status != "running":
        assert time.monotonic() < deadline
    service.cancel(sessions, job_id)
    runner.join(10)
    assert service.get(sessions, job_id).status == "cancelled"


def test_stopping_worker_gives_its_job_back(sessions: Sessions, job_id: str) -> None:
    run_job(sessions, job_id, until_stopped, is_stopping=lambda: True)
    job = service.get(sessions, job_id)
    assert (job.status, job.attempt, job.failed_attempts) == ("queued", 1, 0)


def test_known_error_fails_the_job_with_its_sentence(sessions: Sessions, job_id: str) -> None:
    def work(_: Run) -> Finish:
        raise DatasetUnavailable("MNIST is not here.")

    run_job(sessions, job_id, work)
    assert service.get(sessions, job_id).error == {"reason": "error", "detail": "MNIST is not here."}


def test_unknown_error_is_tried_again(sessions: Sessions, job_id: str) -> None:
    def work(_: Run) -> Finish:
        raise ValueError("once")

    run_job(sessions, job_id, work)
    assert service.get(sessions, job_id).status == "queued"
    run_job(sessions, job_id, lambda _: done)
    assert service.get(sessions, job_id).result == {"done": True}


def test_lease_is_renewed_while_the_work_goes_on(sessions: Sessions, job_id: str) -> None:
    leases = []

    def work(run: Run) -> Finish:
        for _ in range(2):
            leases.append(service.get(sessions, job_id).lease_until)
            time.sleep(0.5)
        return done

    run_job(sessions, job_id, work, lease_seconds=1.0)
    assert leases[0] is not None
    assert leases[1] is not None
    assert leases[0] < leases[1]


def test_store_that_is_away_is_another_try_not_the_end(sessions: Sessions, job_id: str) -> None:
    def work(_: Run) -> Finish:
        raise StorageUnavailable("The folder is gone.")

    run_job(sessions, job_id, work)
    assert service.get(sessions, job_id).status == "queued"


def test_database_that_is_away_for_a_moment_is_waited_for(sessions: Sessions, job_id: str) -> None:
    answers = [DatabaseUnavailable("away"), None]

    def call() -> str:
        if error := answers.pop(0):
            raise error
        return "back"

    assert retry_while_unavailable(call) == "back"


def test_store_that_is_full_is_waited_for(sessions: Sessions, job_id: str) -> None:
    answers = [StorageFull("full"), StorageUnavailable("away"), None]

    def put() -> str:
        if error := answers.pop(0):
            raise error
        return "stored"

    def work(run: Run) -> Finish:
        assert run.store(put) == "stored"
        return done

    run_job(sessions, job_id, work)
    assert service.get(sessions, job_id).status == "succeeded"


def test_who_waits_for_room_on_a_disk_still_stops_when_told(sessions: Sessions, job_id: str) -> None:
    is_stopping = False

    def put() -> None:
        nonlocal is_stopping
        is_stopping = True
        raise StorageFull("full")

    def work(run: Run) -> Finish:
        run.store(put)
        return done

    run_job(sessions, job_id, work, is_stopping=lambda: is_stopping)
    job = service.get(sessions, job_id)
    assert (job.status, job.failed_attempts) == ("queued", 0)
