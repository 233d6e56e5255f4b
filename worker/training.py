"""The work of an `mnist_training` job: train with a checkpoint after every epoch, package and register the model."""

import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.errors import ArtifactDamaged, OriginGone
from app.jobs import runs
from app.jobs.events import event_data
from app.jobs.searches import find_training_seconds, judge
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Checkpoint
from app.registry import service as registry
from app.storage import Storage
from models.errors import CheckpointUnusable
from models.training import checkpoints
from models.training.packaging import ModelPackage, package_model
from models.training.run import Epoch, TrainingRun, choose_device
from models.training.run import train as train_network
from models.wording import counted
from worker.retrying import retry_while_unavailable
from worker.runner import ClaimLost, Finish, Run, WorkerStopping
from worker.training_inputs import TrainingInputs, inputs_of_job

logger = logging.getLogger(__name__)


def train(run: Run, storage: Storage, *, data_dir: Path, mnist_dir: Path | None) -> Finish:
    """Train as the job's spec says, from its last good checkpoint if it has one."""
    started = time.perf_counter()
    spec = MnistTrainingSpec.model_validate(run.claim.spec)
    inputs = TrainingInputs(run, storage, inputs_of_job(run), data_dir=data_dir, mnist_dir=mnist_dir)
    dataset, start = inputs.dataset(spec.dataset, mix=spec.mix), inputs.start()
    device, observer = choose_device(spec.device), JobObserver(run, storage)
    is_pruned = False
    try:
        training = train_network(
            spec.to_recipe(), dataset, seed=spec.seed, device=device, observer=observer, build=start.build
        )
    except TrialPruned:
        is_pruned = True
    epochs = retry_while_unavailable(lambda: event_data(run.sessions, run.claim.job_id, "epoch"))
    if run.claim.is_trial:  # judged by its last epoch; the test set is for the winner of the search alone
        figures = {"seconds": round(time.perf_counter() - started, 1), "device": str(device), "epochs": epochs}
        value = {"value": epochs[-1]["validation_accuracy"], "pruned": is_pruned}
        return lambda _: value | figures | {"dataset": {"name": dataset.name, "sha256": dataset.sha256}}
    seconds = time.perf_counter() - started
    if run.claim.is_winner and training.is_as_restored:  # the trial trained the network
        seconds = retry_while_unavailable(lambda: find_training_seconds(run.sessions, run.claim.job_id))
    package = package_model(
        training,
        recipe_name=spec.recipe,
        epochs=epochs,
        seconds=seconds,
        spec=spec.model_dump(mode="json"),
        start_from=start.describe(training.recipe, dataset.test),
        origin=retry_while_unavailable(lambda: runs.continued_from(run.sessions, run.claim.job_id)),
    )
    run.store(lambda: registry.measure_champion(run.sessions, storage))
    folder = f"models/{run.claim.job_id}-{run.claim.attempt}"
    files = run.store(lambda: registry.store_files(storage, folder, package.files))

    def finish(session: Session) -> dict[str, Any]:
        version = registry.register(session, source=f"job:{run.claim.job_id}", card=package.card, files=files)
        promoted, why = registry.promote_if_better(session, version, storage)
        return _result(package, version) | {"promoted": promoted, "promotion": why}

    return finish


class TrialPruned(Exception):
    """The trial of a search is not worth its further epochs."""


class JobObserver:
    """Writes the progress, the epochs and the checkpoints of a training into its job, and resumes from them."""

    def __init__(self, run: Run, storage: Storage) -> None:
        self._run, self._storage = run, storage

    def before_training(self, training: TrainingRun) -> None:
        """Resume from the latest checkpoint that is not damaged, if there is one."""
        saved = retry_while_unavailable(lambda: runs.checkpoints(self._run.sessions, self._run.claim.job_id))
        for number, checkpoint in enumerate(saved, start=1):
            try:
                checkpoints.restore(training, self._read(checkpoint))
            except (ArtifactDamaged, CheckpointUnusable) as error:
                then = "The one before it is tried." if number < len(saved) else "There is none before it."
                self._run.report("log", {"message": f"{error} {then}"})
                continue
            message = f"Resumed at batch {training.steps_done} of {training.total_steps}."
            self._run.report("log", {"message": message})
            self._end_if_pruned(training)
            return
        if saved:
            self._begin_anew(f"Of {counted(len(saved), 'checkpoint')}, none can be used; the training begins anew.")
        else:
            self._continue_origin(training)

    def _continue_origin(self, training: TrainingRun) -> None:
        """Begin from another job's checkpoint, and with its epochs, if this job is to continue that one."""
        try:
            origin = retry_while_unavailable(lambda: runs.find_origin(self._run.sessions, self._run.claim.job_id))
            if origin is None:
                return
            made_by = MnistTrainingSpec.model_validate(origin.spec).to_recipe()
            checkpoints.restore(training, self._read(origin.checkpoint), made_by=made_by)
        except (OriginGone, ArtifactDamaged, CheckpointUnusable) as error:
            self._begin_anew(f"{error} The training begins anew.")
            return
        self._run.progress(training.steps_done, training.total_steps, "batches")
        # At once: from here on it depends on the other job no more.
        self._save(training, origin.epochs[: training.steps_done // training.steps_per_epoch])
        message = f"Continued job {origin.checkpoint.job_id} at batch {training.steps_done} of {training.total_steps}."
        self._run.report("log", {"message": message})

    def _begin_anew(self, why: str) -> None:
        self._run.write(lambda: runs.begin_anew(self._run.sessions, self._run.claim, why))

    def after_batch(self, training: TrainingRun) -> None:
        self._run.progress(training.steps_done, training.total_steps, "batches")
        try:
            self._run.check()
        except WorkerStopping:
            self._save(training, [])
            raise

    def after_epoch(self, training: TrainingRun, epoch: Epoch) -> None:
        self._run.progress(training.steps_done, training.total_steps, "batches")
        self._save(training, [asdict(epoch)])
        figures = (epoch.epoch, training.recipe.epochs, epoch.train_loss, 100 * epoch.validation_accuracy)
        logger.info("epoch %d of %d: train loss %.4f, validation accuracy %.2f %%", *figures)
        self._run.check()
        self._end_if_pruned(training)

    def _end_if_pruned(self, training: TrainingRun) -> None:
        """Raise TrialPruned if this is a trial that is given up after the epoch that it has just completed."""
        epoch, rest = divmod(training.steps_done, training.steps_per_epoch)
        if not self._run.claim.is_trial or rest or not 0 < epoch < training.recipe.epochs:
            return
        verdict = retry_while_unavailable(lambda: judge(self._run.sessions, self._run.claim, epoch))
        if verdict is None:
            raise ClaimLost
        if verdict:
            raise TrialPruned

    def _save(self, training: TrainingRun, epochs: list[dict[str, Any]]) -> None:
        claim, step = self._run.claim, training.steps_done
        name = f"checkpoints/{claim.job_id}/{claim.attempt}-{step}.safetensors"
        content = checkpoints.to_bytes(training)
        stored = self._run.store(lambda: self._storage.put(name, content))
        self._run.write(
            lambda: runs.record_checkpoint(
                self._run.sessions,
                claim,
                step=step,
                artifact=stored.name,
                sha256=stored.sha256,
                epochs=epochs,
                progress=self._run.latest_progress,
            )
        )

    def _read(self, checkpoint: Checkpoint) -> bytes:
        name, sha256 = checkpoint.artifact, checkpoint.sha256
        return retry_while_unavailable(lambda: self._storage.get(name, sha256=sha256), between_tries=self._run.check)


def _result(package: ModelPackage, version: str) -> dict[str, Any]:
    figures = ("test", "validation", "train", "pictures", "calibration", "epochs")
    kept = ("parameters", *figures, "seconds", "device", "dataset", "start_from")
    return {"model_version": version} | {name: package.card[name] for name in kept}
