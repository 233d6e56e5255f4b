from pathlib import Path
from typing import Any

import pytest

from app.db import Sessions
from app.jobs import runs, service
from app.jobs.events import event_data
from app.jobs.specs import MnistTrainingSpec
from app.jobs.transitions import Claim
from app.registry import service as registry
from app.storage import Storage
from app.storage.folder import FolderStorage
from tests.workers import claim, run_job
from worker.runner import Finish, JobCancelled, Run, WorkerStopping
from worker.training import train

SPEC = MnistTrainingSpec.model_validate({"kind": "mnist_training", "dataset": "optdigits", "epochs": 3})


class WatchedRun(Run):
    """Notes every batch, and does something at the fifth."""

    def __init__(self, sessions: Sessions, claim: Claim) -> None:
        super().__init__(sessions, claim, lease_seconds=30, is_stopping=lambda: self.is_told_to_stop)
        self.is_told_to_stop = False
        self.batches: list[int] = []

    def progress(self, done: int, total: int, unit: str) -> None:
        super().progress(done, total, unit)
        self.batches.append(done)
        if done == 5:
            self.at_five()

    def at_five(self) -> None:
        self.is_told_to_stop = True


class CancelledRun(WatchedRun):
    def at_five(self) -> None:
        service.cancel(self.sessions, self.claim.job_id)


def submit(sessions: Sessions) -> str:
    return service.submit(sessions, SPEC)[0].id


@pytest.fixture
def work(storage: Storage, tmp_path: Path) -> Any:
    def work(run: Run) -> Finish:
        return train(run, storage, data_dir=tmp_path, mnist_dir=None)

    return work


def test_training_becomes_a_version_with_its_card(sessions: Sessions, storage: Storage, work: Any) -> None:
    job_id = submit(sessions)
    run_job(sessions, job_id, work)
    result = service.get(sessions, job_id).result
    assert result is not None
    assert [epoch["epoch"] for epoch in result["epochs"]] == [1, 2, 3]
    assert (result["model_version"], result["promoted"], result["parameters"]) == ("1", False, 16_562)
    assert "only versions trained on mnist" in result["promotion"]
    assert result["test"]["total"] == 300
    version, aliases = registry.get(sessions, "1")
    assert (version.card["seed"], version.card["recipe"]["name"], aliases) == (0, "fast", [])
    for name in ("model.onnx", "weights.safetensors", "card.json"):
        assert registry.read_file(sessions, storage, "1", name)


def test_cancelled_training_ends_within_two_batches(sessions: Sessions, work: Any) -> None:
    run = CancelledRun(sessions, claim(sessions, submit(sessions)))
    with pytest.raises(JobCancelled):
        work(run)
    assert run.batches[-1] <= 7


def test_stopped_training_goes_on_from_its_checkpoint_to_the_same_weights(sessions: Sessions, work: Any) -> None:
    undisturbed = submit(sessions)
    run_job(sessions, undisturbed, work)
    job_id = submit(sessions)
    run = WatchedRun(sessions, claim(sessions, job_id))
    with pytest.raises(WorkerStopping):
        work(run)
    assert [checkpoint.step for checkpoint in runs.checkpoints(sessions, job_id)] == [run.batches[-1]]
    runs.release(sessions, run.claim, counts_as_failure=False, detail="stopping")
    run_job(sessions, job_id, work)
    cards = [registry.get(sessions, version)[0].card for version in ("1", "2")]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert [epoch["epoch"] for epoch in event_data(sessions, job_id, "epoch")] == [1, 2, 3]


def test_damaged_checkpoint_is_skipped_for_the_one_before(
    sessions: Sessions, storage: FolderStorage, work: Any
) -> None:
    job_id = submit(sessions)
    first = WatchedRun(sessions, claim(sessions, job_id))
    with pytest.raises(WorkerStopping):
        work(first)
    runs.release(sessions, first.claim, counts_as_failure=False, detail="stopping")
    damaged = storage.folder / runs.checkpoints(sessions, job_id)[0].artifact
    damaged.write_bytes(damaged.read_bytes()[:-1])
    run_job(sessions, job_id, work)
    assert "damaged" in event_data(sessions, job_id, "log")[0]["message"]
    assert service.get(sessions, job_id).status == "succeeded"


@pytest.mark.usefixtures("no_mirrors")
def test_training_without_its_data_fails_at_once(sessions: Sessions, work: Any, tmp_path: Path) -> None:
    job, _ = service.submit(sessions, MnistTrainingSpec(kind="mnist_training"))
    run_job(sessions, job.id, work)
    error = service.get(sessions, job.id).error
    assert error is not None
    assert "train-images-idx3-ubyte.gz" in error["detail"]
    assert str(tmp_path) in error["detail"]


def test_training_that_diverges_fails_and_says_so(sessions: Sessions, work: Any) -> None:
    spec = MnistTrainingSpec.model_validate(
        {"kind": "mnist_training", "dataset": "optdigits", "epochs": 2, "learning_rate": 10, "batch_size": 8}
    )
    job, _ = service.submit(sessions, spec)
    run_job(sessions, job.id, work)
    error = service.get(sessions, job.id).error
    assert error is not None
    assert "Try a lower learning rate" in error["detail"]
    assert registry.list_(sessions) == []
