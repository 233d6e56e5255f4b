import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.db import Sessions
from app.errors import InvalidInput
from app.jobs import runs, service
from app.jobs.events import event_data
from app.jobs.inputs import require_version_unused
from app.jobs.retries import retry_with_changes
from app.jobs.specs import MnistTrainingSpec, ReproductionSpec
from app.jobs.specs.training import CHECKPOINT_BYTES, MODEL_BYTES
from app.jobs.transitions import Claim
from app.registry import service as registry
from app.storage import Storage
from app.storage.folder import FolderStorage
from models.training.data import Dataset
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


def test_result_says_how_good_the_network_is_and_where_it_fails(
    sessions: Sessions, storage: Storage, work: Any, optdigits: Dataset
) -> None:
    job_id = submit(sessions)
    run_job(sessions, job_id, work)
    result = service.get(sessions, job_id).result
    assert result is not None
    for split, total in (("train", 1197), ("validation", 300), ("test", 300)):
        figures = result[split]
        low, high = figures["interval_95"]
        assert (
            figures["total"]
            == total
            == sum(map(sum, figures["confusion"]))
            == sum(digit["total"] for digit in figures["digits"])
        )
        assert low < figures["accuracy"] < high
        assert figures["loss"] > 0
        assert len(figures["digits"]) == 10
    hardest = result["test"]["hardest"]
    assert len(hardest) == 25
    assert all(one["label"] == int(optdigits.test.labels[one["index"]]) for one in hardest)
    of_label = [one["probabilities"][one["label"]] for one in hardest]
    assert of_label == sorted(of_label)
    assert result["test"]["undisputed"] is None  # the disputed pictures are MNIST's
    calibration = result["calibration"]
    assert calibration["validation"]["after"]["nll"] <= calibration["validation"]["before"]["nll"]
    assert 0 <= calibration["test"]["after"]["ece"] < 1
    sheet = registry.read_file(sessions, storage, result["model_version"], "hardest.png")
    with Image.open(io.BytesIO(sheet)) as picture:
        assert picture.format == "PNG"
    version, _ = registry.get(sessions, result["model_version"])
    assert registry.job_of(version) == job_id
    assert sum(file["size"] for file in version.files.values()) < MODEL_BYTES


ADAMW = {"optimizer": "adamw", "learning_rate": 0.01, "average_decay": 0.9}


def test_checkpoint_takes_no_more_than_the_quota_counts(sessions: Sessions, storage: FolderStorage, work: Any) -> None:
    spec = MnistTrainingSpec.model_validate({"kind": "mnist_training", "dataset": "optdigits", "epochs": 1, **ADAMW})
    job, _ = service.submit(sessions, spec)
    run_job(sessions, job.id, work)
    (checkpoint,) = runs.checkpoints(sessions, job.id)
    assert (storage.folder / checkpoint.artifact).stat().st_size < CHECKPOINT_BYTES


CONSTANT = {"kind": "mnist_training", "dataset": "optdigits", "recipe": "reference"}


def test_retry_with_more_epochs_ends_as_one_that_had_them_from_the_start(sessions: Sessions, work: Any) -> None:
    whole, _ = service.submit(sessions, MnistTrainingSpec.model_validate(CONSTANT | {"epochs": 4}))
    run_job(sessions, whole.id, work)
    short, _ = service.submit(sessions, MnistTrainingSpec.model_validate(CONSTANT | {"epochs": 3}))
    run_job(sessions, short.id, work)
    longer = retry_with_changes(sessions, short.id, {"epochs": 4})
    run_job(sessions, longer.id, work)
    assert event_data(sessions, longer.id, "log")[0]["message"] == f"Continued job {short.id} at batch 30 of 40."
    cards = [registry.get(sessions, version)[0].card for version in ("1", "3")]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    figures = [[epoch | {"images_per_second": 0} for epoch in card["epochs"]] for card in cards]
    assert figures[0] == figures[1]
    assert [checkpoint.step for checkpoint in runs.checkpoints(sessions, longer.id)] == [40, 30]
    assert [card["origin"] for card in cards] == [None, {"job": short.id, "step": 30}]
    with pytest.raises(InvalidInput, match=f"continued job {short.id} from the checkpoint at batch 30"):
        service.submit(sessions, ReproductionSpec(kind="reproduction", version="3"))


def test_continued_training_needs_the_old_job_no_more_once_it_has_begun(sessions: Sessions, work: Any) -> None:
    old, _ = service.submit(sessions, MnistTrainingSpec.model_validate(CONSTANT | {"epochs": 2}))
    run_job(sessions, old.id, work)
    registry.delete(sessions, "1", require_unused=require_version_unused)
    new = retry_with_changes(sessions, old.id, {"epochs": 3, "learning_rate": 0.005})
    run = WatchedRun(sessions, claim(sessions, new.id))
    run.is_told_to_stop = True
    with pytest.raises(WorkerStopping):
        work(run)
    runs.release(sessions, run.claim, counts_as_failure=False, detail="stopping")
    service.delete(sessions, old.id)
    run_job(sessions, new.id, work)
    epochs = event_data(sessions, new.id, "epoch")
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3]
    assert [epoch["learning_rate"] for epoch in epochs] == [0.01, 0.01, 0.005]


def test_training_whose_origin_is_gone_begins_anew_and_says_so(sessions: Sessions, work: Any) -> None:
    old, _ = service.submit(sessions, MnistTrainingSpec.model_validate(CONSTANT | {"epochs": 1}))
    run_job(sessions, old.id, work)
    new = retry_with_changes(sessions, old.id, {"epochs": 2})
    registry.delete(sessions, "1", require_unused=require_version_unused)
    service.delete(sessions, old.id)
    run_job(sessions, new.id, work)
    (message,) = (data["message"] for data in event_data(sessions, new.id, "log"))
    assert message == f"The checkpoint of job {old.id} at batch 10 was deleted. The training begins anew."
    assert service.get(sessions, new.id).origin == {"job": old.id, "step": 0, "why": message}
    assert registry.list_(sessions)[0][0].card["origin"] is None
    assert [epoch["epoch"] for epoch in event_data(sessions, new.id, "epoch")] == [1, 2]


def test_running_training_says_how_long_it_will_take(sessions: Sessions, work: Any) -> None:
    seen: list[float | None] = []

    class Reporting(Run):
        def progress(self, done: int, total: int, unit: str) -> None:
            super().progress(done, total, unit)
            self.renew()
            progress = service.get(sessions, self.claim.job_id).progress
            assert progress is not None
            seen.append(progress["eta_seconds"])

    job_id = submit(sessions)
    began_at = time.monotonic()
    work(Reporting(sessions, claim(sessions, job_id), lease_seconds=30, is_stopping=lambda: False))
    elapsed = time.monotonic() - began_at
    assert seen[0] is None
    assert all(left is not None and 0 <= left < 10 * elapsed for left in seen[1:])
    assert seen[-1] == 0


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
    assert re.search(r"not finite at step \d+ of 300 \(epoch \d\)\. Try a lower learning rate", error["detail"])
    assert registry.list_(sessions) == []
