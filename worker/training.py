"""The work of an `mnist_training` job: train, checkpoint every epoch, prove, and register the version."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ArtifactDamaged
from app.jobs import runs
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Checkpoint
from app.registry import service as registry
from app.storage import Storage
from models.errors import CheckpointUnusable
from models.training import checkpoints
from models.training.data import load_dataset
from models.training.packaging import Proven, prove
from models.training.run import Epoch, TrainingRun, choose_device
from worker.retrying import retry_while_unavailable
from worker.runner import Finish, Run, WorkerStopping


def train(run: Run, storage: Storage, *, data_dir: Path, mnist_dir: Path | None) -> Finish:
    """Train as the job's spec says, from its last good checkpoint if it has one."""
    started = time.perf_counter()
    spec = MnistTrainingSpec.model_validate(run.claim.spec)
    dataset = load_dataset(spec.dataset, data_dir=data_dir, mnist_dir=mnist_dir)
    training = TrainingRun(spec.to_recipe(), dataset, seed=spec.seed, device=choose_device(spec.device))
    training = _resume(run, storage, training)
    training.advance(_Observer(run, storage))
    epochs = retry_while_unavailable(lambda: runs.event_data(run.sessions, run.claim.job_id, "epoch"))
    proven = prove(training, recipe_name=spec.recipe, epochs=epochs, seconds=time.perf_counter() - started)
    folder = f"models/{run.claim.job_id}-{run.claim.attempt}"
    files = run.store(lambda: registry.store_files(storage, folder, proven.files))

    def finish(session: Session) -> dict[str, Any]:
        version = registry.register(session, source=f"job:{run.claim.job_id}", card=proven.card, files=files)
        promoted, why = registry.promote_if_better(session, version)
        return _result(proven, version) | {"promoted": promoted, "promotion": why}

    return finish


class _Observer:
    """Tells the job how its training goes."""

    def __init__(self, run: Run, storage: Storage) -> None:
        self._run, self._storage = run, storage

    def after_batch(self, training: TrainingRun) -> None:
        self._run.progress(training.step, training.total_steps, "batches")
        try:
            self._run.check()
        except WorkerStopping:
            self._save(training, None)
            raise

    def after_epoch(self, training: TrainingRun, epoch: Epoch) -> None:
        self._run.progress(training.step, training.total_steps, "batches")
        self._save(training, asdict(epoch))
        self._run.check()

    def _save(self, training: TrainingRun, epoch: dict[str, Any] | None) -> None:
        claim = self._run.claim
        name = f"checkpoints/{claim.job_id}/{claim.attempt}-{training.step}.safetensors"
        content = checkpoints.to_bytes(training)
        stored = self._run.store(lambda: self._storage.put(name, content))
        self._run.write(
            lambda: runs.record_checkpoint(
                self._run.sessions, claim, step=training.step, artifact=stored.name, sha256=stored.sha256, epoch=epoch
            )
        )


def _resume(run: Run, storage: Storage, training: TrainingRun) -> TrainingRun:
    """The training as its latest undamaged checkpoint left it, or from the start."""
    saved = retry_while_unavailable(lambda: runs.checkpoints(run.sessions, run.claim.job_id))
    for checkpoint in saved:
        try:
            checkpoints.restore(training, _read(run, storage, checkpoint))
        except (ArtifactDamaged, CheckpointUnusable) as error:
            run.report("log", {"message": f"{error} The one before it is tried."})
            training = TrainingRun(training.recipe, training.dataset, seed=training.seed, device=training.device)
            continue
        run.report("log", {"message": f"Resumed at batch {training.step} of {training.total_steps}."})
        return training
    if saved:
        run.report("log", {"message": "No checkpoint is left; the training begins anew."})
    return training


def _read(run: Run, storage: Storage, checkpoint: Checkpoint) -> bytes:
    return retry_while_unavailable(
        lambda: storage.get(checkpoint.artifact, sha256=checkpoint.sha256), between_tries=run.check
    )


def _result(proven: Proven, version: str) -> dict[str, Any]:
    kept = ("parameters", "test", "validation", "epochs", "seconds", "device", "dataset")
    return {"model_version": version} | {name: proven.card[name] for name in kept}
