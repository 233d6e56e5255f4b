from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from app.config import Settings
from app.datasets import service as datasets
from app.db import Sessions, database_now
from app.errors import ConfigurationError
from app.jobs import runs, service
from app.jobs.lifecycle import JobStatus
from app.jobs.retries import retry_with_changes
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Job, Worker
from app.maintenance.gc import find_garbage, remove
from app.migrations.migrate import upgrade
from app.registry import service as registry
from app.storage import Storage, open_storage
from app.storage.folder import FolderStorage
from models.datasets.pictures import split
from tests.cli.test_main import numeral
from tests.s3 import S3Server, credentials
from tests.worker.test_sweep import result_of
from tests.workers import claim

SPEC = MnistTrainingSpec.model_validate({"kind": "mnist_training", "dataset": "optdigits", "epochs": 4})
NOW = timedelta(0)  # the grace period of most tests: what was just written may go


class Killed(BaseException):
    """As if the process had ended here."""


class FragileStorage(FolderStorage):
    """Is killed before its n-th deletion."""

    def __init__(self, folder: Path, deletions: int) -> None:
        super().__init__(folder)
        self._left = deletions

    def delete(self, name: str) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1
        super().delete(name)


def ended_training(sessions: Sessions, storage: Storage, *, best_epoch: int = 2, spec: MnistTrainingSpec = SPEC) -> str:
    """A failed training of four epochs of ten batches, each with its checkpoint, and one more in the middle."""
    job_id = service.submit(sessions, spec)[0].id
    claimed = claim(sessions, job_id)
    progress = {"done": 40, "total": 40, "unit": "batches"}
    runs.renew(sessions, claimed, lease_seconds=30, progress=progress, has_stepped=True)
    for step in (10, 15, 20, 30, 40):
        name = f"checkpoints/{job_id}/{claimed.attempt}-{step}.safetensors"
        stored = storage.put(name, f"state at {step}".encode())
        accuracy = 0.9 if step == best_epoch * 10 else 0.5
        epochs = [{"epoch": step // 10, "validation_accuracy": accuracy}] if step % 10 == 0 else []
        runs.record_checkpoint(sessions, claimed, step=step, artifact=name, sha256=stored.sha256, epochs=epochs)
    runs.fail(sessions, claimed, reason="error", detail="test")
    return job_id


def names(storage: Storage) -> set[str]:
    return {stored.name for stored in storage.list()}


def checkpoint_steps(sessions: Sessions, storage: Storage, job_id: str) -> list[int]:
    """The steps of a job's checkpoints, all of which can be read."""
    found = runs.checkpoints(sessions, job_id)
    for checkpoint in found:
        storage.get(checkpoint.artifact, sha256=checkpoint.sha256)
    return [checkpoint.step for checkpoint in found]


def collect(sessions: Sessions, storage: Storage, *, grace: timedelta = NOW) -> set[str]:
    return {stored.name for stored in remove(sessions, storage, find_garbage(sessions, storage, grace=grace))}


def test_what_a_row_names_stays_and_what_none_names_goes(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    kept = names(storage)
    lost = {"models/lost-1/model.onnx", "curves/lost-1.npz", "models/.upload.part", "checkpoints/lost/1-5.safetensors"}
    foreign = {"notes.txt", ".upload.part", "numeral.db", "photos/models/cat.jpg"}  # a shared folder, a shared bucket
    for name in lost | foreign:
        storage.put(name, b"content")
    assert collect(sessions, storage) == lost
    assert names(storage) == kept | foreign
    assert registry.read_file(sessions, storage, "champion", "model.onnx")


def test_curves_of_a_sweep_stay(sessions: Sessions, storage: Storage) -> None:
    curves = result_of(sessions, storage, learning_rates=[1.0, 90.0], epochs=400, max_points=30)["curves"]
    storage.put("curves/lost-1.npz", b"")
    assert collect(sessions, storage) == {"curves/lost-1.npz"}
    assert storage.get(curves["artifact"], sha256=curves["sha256"])


def test_data_sets_stay(sessions: Sessions, storage: Storage) -> None:
    pictures = split(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8))
    mine = datasets.create(sessions, storage, "mine", pictures, [], max_bytes=10**6)
    storage.put("datasets/lost.npz", b"")
    assert collect(sessions, storage) == {"datasets/lost.npz"}
    assert datasets.read_pictures(sessions, storage, "mine", sha256=mine.sha256).counts["0"] == 3


@pytest.mark.parametrize(("best_epoch", "kept"), [(2, [40, 20]), (4, [40]), (1, [40, 10])])
def test_ended_training_keeps_its_latest_and_its_best_checkpoint(
    sessions: Sessions, storage: Storage, best_epoch: int, kept: list[int]
) -> None:
    registry.install_shipped(sessions, storage)
    job_id = ended_training(sessions, storage, best_epoch=best_epoch)
    collect(sessions, storage)
    assert checkpoint_steps(sessions, storage, job_id) == kept
    assert len([name for name in names(storage) if name.startswith("checkpoints/")]) == len(kept)


def test_checkpoint_that_another_job_is_to_continue_from_is_kept_until_that_has_ended(
    sessions: Sessions, storage: Storage
) -> None:
    registry.install_shipped(sessions, storage)
    constant = SPEC.model_copy(update={"schedule": "constant"})
    job_id = ended_training(sessions, storage, best_epoch=4, spec=constant)
    heir = retry_with_changes(sessions, job_id, {"epochs": 2})
    assert heir.origin is not None
    assert heir.origin["step"] == 15
    collect(sessions, storage)
    assert checkpoint_steps(sessions, storage, job_id) == [40, 15]
    service.cancel(sessions, heir.id)
    collect(sessions, storage)
    assert checkpoint_steps(sessions, storage, job_id) == [40]


def test_training_that_has_not_ended_keeps_everything(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    job_id = ended_training(sessions, storage)
    storage.put(f"checkpoints/{job_id}/2-50.safetensors", b"uploaded, not recorded yet")
    storage.put(f"models/{job_id}-2/model.onnx", b"uploaded, not recorded yet")
    before = names(storage)
    for status in (JobStatus.QUEUED, JobStatus.RUNNING):
        with sessions.writing() as session:
            session.execute(update(Job).values(status=status))
        assert collect(sessions, storage) == set()
    assert names(storage) == before


def test_job_that_is_started_again_after_the_look_keeps_everything(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    job_id = ended_training(sessions, storage)
    found = find_garbage(sessions, storage, grace=NOW)
    assert found.artifacts
    with sessions.writing() as session:
        session.execute(update(Job).values(status=JobStatus.QUEUED))
    assert remove(sessions, storage, found) == []
    assert checkpoint_steps(sessions, storage, job_id) == [40, 30, 20, 15, 10]


def test_young_artifacts_stay_and_looking_changes_nothing(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    ended_training(sessions, storage)
    storage.put("models/lost-1/model.onnx", b"")
    before = names(storage)
    found = find_garbage(sessions, storage, grace=timedelta(hours=1))
    assert (found.artifacts, found.too_young) == ([], 4)
    assert find_garbage(sessions, storage, grace=NOW).artifacts
    assert names(storage) == before


def test_store_of_another_service_is_left_alone(sessions: Sessions, storage: Storage) -> None:
    storage.put("models/of-another-service", b"")
    with pytest.raises(ConfigurationError, match=r"Of 1 artifact in .* the database names none"):
        find_garbage(sessions, storage, grace=NOW)


def test_workers_that_are_long_gone_are_forgotten(sessions: Sessions, storage: Storage) -> None:
    for name in ("living", "gone"):
        runs.report_alive(sessions, name, device="cpu", version="1")
    with sessions.writing() as session:
        long_ago = database_now(session) - timedelta(days=2)
        session.execute(update(Worker).where(Worker.name == "gone").values(seen_at=long_ago))
    collect(sessions, storage)
    with sessions.reading() as session:
        assert list(session.scalars(select(Worker.name))) == ["living"]


def test_killed_at_any_step_and_run_again_it_ends_the_same(sessions: Sessions, storage: FolderStorage) -> None:
    registry.install_shipped(sessions, storage)
    kept = names(storage)
    steps = 0
    while True:
        jobs = [ended_training(sessions, storage) for _ in range(2)]
        storage.put("curves/lost-1.npz", b"")
        fragile = FragileStorage(storage.folder, steps)
        try:
            collect(sessions, fragile)
            was_killed = False
        except Killed:
            was_killed = True
        for job_id in jobs:  # every row that is left names what can be read
            assert checkpoint_steps(sessions, storage, job_id) == [40, 20]
        collect(sessions, storage)
        kept |= {checkpoint.artifact for job_id in jobs for checkpoint in runs.checkpoints(sessions, job_id)}
        assert names(storage) == kept
        if not was_killed:
            break
        steps += 1
    assert steps == 7  # three spent checkpoints of each job, and the lost curves


def test_killed_between_its_transactions_it_leaves_no_row_without_its_file(
    sessions: Sessions, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.install_shipped(sessions, storage)
    job_id = ended_training(sessions, storage)
    found = find_garbage(sessions, storage, grace=NOW)
    writing, left = sessions.writing, 2

    def dying_writing() -> Any:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return writing()

    monkeypatch.setattr(sessions, "writing", dying_writing)
    with pytest.raises(Killed):
        remove(sessions, storage, found)
    monkeypatch.undo()
    assert checkpoint_steps(sessions, storage, job_id) == [40, 30, 20]
    collect(sessions, storage)
    assert checkpoint_steps(sessions, storage, job_id) == [40, 20]


def test_command_shows_first_and_deletes_when_told_on_s3(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    settings = {"NUMERAL_STORAGE_URL": f"s3://{bucket}/artifacts", **credentials(s3_server.url)}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        configured = Settings(data_dir=tmp_path)
        upgrade(configured.resolved_database_url)
        sessions, storage = Sessions(configured.resolved_database_url), open_storage(configured)
        registry.install_shipped(sessions, storage)
        kept = names(storage)
        storage.put("curves/lost-1.npz", b"1234567")
        arguments = ("gc", "--grace-minutes", "0")
        shown = numeral(*arguments, folder=tmp_path, **settings)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "curves/lost-1.npz" in shown.stdout
        assert "1 artifacts of 7 bytes" in shown.stdout
        assert "Nothing was changed" in shown.stdout
        assert "curves/lost-1.npz" in names(storage)
        assert numeral(*arguments, "--delete", folder=tmp_path, **settings).returncode == 0
        assert names(storage) == kept
        sessions.close()
