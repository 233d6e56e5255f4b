"""The whole way of a training's checkpoints, on a real S3 server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.config import Settings
from app.db import Sessions
from app.errors import StorageUnavailable
from app.jobs import runs, service
from app.jobs.events import event_data
from app.jobs.specs import MnistTrainingSpec
from app.jobs.transitions import Claim
from app.migrations.migrate import upgrade
from app.registry import service as registry
from app.storage import Storage
from tests.e2e.conftest import Service
from tests.s3 import Line
from tests.worker.test_training import WatchedRun
from tests.workers import claim, run_job
from worker.retrying import Result
from worker.runner import Finish, JobCancelled, Run, WorkerStopping
from worker.training import train

SHORT = MnistTrainingSpec.model_validate({"kind": "mnist_training", "dataset": "optdigits", "epochs": 1})


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[Sessions]:
    """On SQLite only: it is the store that is tried here."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    upgrade(url)
    sessions = Sessions(url)
    yield sessions
    sessions.close()


def submit(sessions: Sessions) -> str:
    return service.submit(sessions, SHORT)[0].id


class CutOffRun(WatchedRun):
    """Loses its store at the fifth batch, and finds out at the end of the epoch."""

    def __init__(self, sessions: Sessions, claim: Claim, line: Line) -> None:
        super().__init__(sessions, claim)
        self.line = line

    def at_five(self) -> None:
        self.line.close()


class ReconnectedRun(CutOffRun):
    """Has its store back once it has noticed."""

    failures = 0

    def store(self, call: Callable[[], Result]) -> Result:
        def noticed() -> Result:
            try:
                return call()
            except StorageUnavailable:
                self.failures += 1
                self.line.open()
                raise

        return super().store(noticed)


def test_training_on_s3_goes_on_from_the_last_good_checkpoint_to_the_same_weights(
    sessions: Sessions, s3_storage: Storage, tmp_path: Path
) -> None:
    def work(run: Run) -> Finish:
        return train(run, s3_storage, data_dir=tmp_path, mnist_dir=None)

    undisturbed = submit(sessions)
    run_job(sessions, undisturbed, work)
    job_id = submit(sessions)
    for _ in range(2):  # two checkpoints in the middle
        run = WatchedRun(sessions, claim(sessions, job_id))
        run.batches = []
        with pytest.raises(WorkerStopping):
            run_to_the_fifth_batch_more(run, work)
        runs.release(sessions, run.claim, counts_as_failure=False, detail="stopping")
    latest, before = runs.checkpoints(sessions, job_id)
    content = s3_storage.get(latest.artifact, sha256=latest.sha256)
    s3_storage.put(latest.artifact, content[:-1])
    run_job(sessions, job_id, work)
    logs = [log["message"] for log in event_data(sessions, job_id, "log")]
    assert any("is damaged" in message for message in logs)
    assert any(message.startswith(f"Resumed at batch {before.step} ") for message in logs)
    cards = [registry.get(sessions, version)[0].card for version in ("1", "2")]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert registry.read_file(sessions, s3_storage, "2", "model.onnx")


def run_to_the_fifth_batch_more(run: WatchedRun, work: object) -> None:
    """Stop the run five batches after where it went on."""
    started = len(run.batches)

    def at_batch(done: int, total: int, unit: str) -> None:
        Run.progress(run, done, total, unit)
        run.batches.append(done)
        run.is_told_to_stop = len(run.batches) - started >= 5

    run.progress = at_batch  # type: ignore[method-assign]
    work(run)  # type: ignore[operator]


def test_training_waits_for_a_store_that_is_away_and_loses_nothing(
    sessions: Sessions, s3_storage: Storage, line: Line, tmp_path: Path
) -> None:
    job_id = submit(sessions)
    run = ReconnectedRun(sessions, claim(sessions, job_id), line)
    finish = train(run, s3_storage, data_dir=tmp_path, mnist_dir=None)
    assert run.failures == 1
    runs.succeed(sessions, run.claim, finish)
    assert service.get(sessions, job_id).status == "succeeded"
    assert [epoch["epoch"] for epoch in event_data(sessions, job_id, "epoch")] == [1]


def test_training_that_waits_for_its_store_can_be_cancelled(
    sessions: Sessions, s3_storage: Storage, line: Line, tmp_path: Path
) -> None:
    run = CutOffRun(sessions, claim(sessions, submit(sessions)), line)
    run.at_five = lambda: (line.close(), service.cancel(sessions, run.claim.job_id))  # type: ignore[method-assign]
    with pytest.raises(JobCancelled):
        train(run, s3_storage, data_dir=tmp_path, mnist_dir=None)


@pytest.mark.hostile
def test_service_on_s3_trains_in_a_real_worker(s3_settings: Settings, tmp_path: Path) -> None:
    """Celery forks its workers; what talks to S3 must not have been made before."""
    service_on_s3 = Service(tmp_path / "up", NUMERAL_STORAGE_URL=str(s3_settings.storage_url))
    try:
        job_id = service_on_s3.submit(kind="mnist_training", dataset="optdigits", epochs=1)
        job = service_on_s3.wait_for_status(job_id, "succeeded", "failed")
        assert job["status"] == "succeeded", service_on_s3.log.read_text()
        assert not (tmp_path / "up" / "artifacts").exists()
    finally:
        service_on_s3.stop()
