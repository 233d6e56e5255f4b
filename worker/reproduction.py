"""The work of a `reproduction` job: train a version again from its card, and say where the weights begin to differ."""

import hashlib
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.jobs.specs import ReproductionSpec
from app.registry import service as registry
from app.storage import Storage
from models.datasets.built_in import BUILT_IN
from models.training.export import to_safetensors
from models.training.packaging import describe_run
from models.training.reproduction import (
    WeightsDiffer,
    find_differences,
    has_epoch_digests,
    recipe_of,
    require_same_epoch,
)
from models.training.run import Epoch, TrainingRun, choose_device
from models.training.run import train as train_network
from models.wording import counted
from worker.runner import Finish, Run
from worker.training import JobObserver
from worker.training_inputs import TrainingInputs


def reproduce(run: Run, storage: Storage, *, data_dir: Path, mnist_dir: Path | None) -> Finish:
    """Train the version of the job's spec again; the training ends at the first epoch that differs."""
    spec = ReproductionSpec.model_validate(run.claim.spec)
    card = registry.get(run.sessions, spec.version)[0].card
    recipe, device = recipe_of(card), choose_device(spec.device or "auto")
    inputs = TrainingInputs(run, storage, _inputs_of(card), data_dir=data_dir, mnist_dir=mnist_dir)
    dataset = inputs.dataset(card["dataset"]["name"], mix=(card.get("spec") or {}).get("mix", 0.0))
    observer, difference, found = _ComparingObserver(run, storage, card), None, None
    try:
        training = train_network(
            recipe, dataset, seed=card["seed"], device=device, observer=observer, build=inputs.start().build
        )
        found = hashlib.sha256(to_safetensors(training.final_network)).hexdigest()
    except WeightsDiffer as stop:
        training = observer.training
        difference = _describe_difference(stop)
    result = {
        "version": spec.version,
        "equal": found == card["weights_sha256"],
        "compared": "every epoch" if has_epoch_digests(card) else "the end",
        "first_difference": difference,
        "weights_sha256": {"then": card["weights_sha256"], "now": found},
        "differences": find_differences(card, describe_run(training)),
    }
    result["detail"] = _say(result, len(card["epochs"]))

    def finish(_: Session) -> dict[str, Any]:
        return result

    return finish


class _ComparingObserver(JobObserver):
    """Follows the repeated training like any other, and compares each of its epochs with the card."""

    training: TrainingRun

    def __init__(self, run: Run, storage: Storage, card: dict[str, Any]) -> None:
        super().__init__(run, storage)
        self._card = card

    def before_training(self, training: TrainingRun) -> None:
        self.training = training
        training.threads = self._card.get("threads", training.threads)  # the order of a sum depends on them
        training.precision = "bfloat16" if self._card.get("precision") == "bfloat16" else "float32"
        super().before_training(training)

    def after_epoch(self, training: TrainingRun, epoch: Epoch) -> None:
        require_same_epoch(epoch, self._card)  # first, or a run that resumes would pass the epoch over
        super().after_epoch(training, epoch)


def _inputs_of(card: dict[str, Any]) -> dict[str, Any]:
    """What the training of a card started from, as `TrainingInputs` takes it."""
    inputs: dict[str, Any] = {}
    if card["dataset"]["name"] not in BUILT_IN:
        inputs["dataset"] = {"name": card["dataset"]["name"], "sha256": card["dataset"]["sha256"]}
    if card.get("start_from"):
        inputs["start_from"] = card["start_from"]["version"]
    return inputs


def _describe_difference(stop: WeightsDiffer) -> dict[str, Any]:
    names = ("weights_sha256", "train_loss", "validation_loss")
    then = {name: stop.expected.get(name) for name in names}
    return {"epoch": stop.epoch.epoch, "then": then, "now": {name: getattr(stop.epoch, name) for name in names}}


def _say(result: dict[str, Any], epochs: int) -> str:
    """Returns the result in a sentence."""
    version, difference = result["version"], result["first_difference"]
    if result["equal"]:
        return f"Version {version}: equal. After {counted(epochs, 'epoch')} it has the same weights, bit for bit."
    if difference:
        return (
            f"Version {version}: differs from epoch {difference['epoch']} of {epochs} on; the training was ended there."
        )
    only = (
        ""
        if result["compared"] == "every epoch"
        else " Its card has no digests of epochs, so the end alone is compared."
    )
    return f"Version {version}: differs. After {counted(epochs, 'epoch')} it has other weights.{only}"
