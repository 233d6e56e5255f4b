"""A training in this terminal, without a service: `numeral train` hands its spec over to this module."""

import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from app.config import Settings
from app.jobs.specs import MnistTrainingSpec
from models.errors import CheckpointUnusable, ModelError
from models.training.checkpoints import restore, to_bytes
from models.training.data import load_dataset
from models.training.packaging import prove
from models.training.run import Epoch, TrainingRun, choose_device


def main(spec_json: str, output: Path, is_json: bool) -> None:
    """Train as `spec_json` says and write weights, ONNX file and card into `output`.

    Every epoch leaves a checkpoint there; a run of the same spec that was interrupted goes on from it.
    """
    spec, settings, started = MnistTrainingSpec.model_validate_json(spec_json), Settings(), time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(spec.dataset, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)

    def begin() -> TrainingRun:
        return TrainingRun(spec.to_recipe(), dataset, seed=spec.seed, device=choose_device(spec.device))

    run, saved = begin(), SavedRun(output, spec_json)
    try:
        epochs = saved.restore(run)
    except CheckpointUnusable as error:
        print(f"{error} The training begins anew.", file=sys.stderr)
        run, epochs = begin(), []
    with tqdm(total=run.total_steps, initial=run.step, unit="batch", disable=True if is_json else None) as bar:
        run.advance(_Progress(bar, saved, epochs))
    proven = prove(run, recipe_name=spec.recipe, epochs=epochs, seconds=time.perf_counter() - started)
    for name, content in proven.files.items():
        (output / name).write_bytes(content)
    saved.forget()
    if is_json:
        print(proven.files["card.json"].decode(), end="")
    else:
        test = proven.card["test"]
        print(f"{test['correct']} of {test['total']} test pictures read right ({test['accuracy']:.2%}); see {output}")


class SavedRun:
    """What an interrupted training left in its output folder: a checkpoint, its spec, and the epochs so far."""

    def __init__(self, folder: Path, spec_json: str) -> None:
        self._checkpoint, self._notes = folder / "checkpoint.safetensors", folder / "checkpoint.json"
        self._spec = json.loads(spec_json)

    def save(self, run: TrainingRun, epochs: list[dict[str, Any]]) -> None:
        notes = {"spec": self._spec, "step": run.step, "epochs": epochs}
        # notes first: if this is cut off between the two, `restore` drops the epoch that the checkpoint lacks
        for path, content in ((self._notes, json.dumps(notes).encode()), (self._checkpoint, to_bytes(run))):
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)

    def restore(self, run: TrainingRun) -> list[dict[str, Any]]:
        """Put `run` where it stood; its epochs so far, none where there is nothing to go on from.

        Raises CheckpointUnusable, and then `run` is unfit.
        """
        if not (self._notes.is_file() and self._checkpoint.is_file()):
            return []
        notes = json.loads(self._notes.read_text())
        if notes["spec"] != self._spec:
            return []
        restore(run, self._checkpoint.read_bytes())
        epochs: list[dict[str, Any]] = notes["epochs"]
        return epochs[: run.step // run.steps_per_epoch]

    def forget(self) -> None:
        self._checkpoint.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)


class _Progress:
    """A bar for the batches, a line and a checkpoint for each epoch."""

    def __init__(self, bar: "tqdm[Any]", saved: SavedRun, epochs: list[dict[str, Any]]) -> None:
        self._bar, self._saved, self._epochs = bar, saved, epochs

    def after_batch(self, run: TrainingRun) -> None:
        self._bar.update(run.step - self._bar.n)

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.after_batch(run)
        self._epochs.append(asdict(epoch))
        self._saved.save(run, self._epochs)
        self._bar.write(
            f"epoch {epoch.epoch:3}  train loss {epoch.train_loss:.4f}  validation {epoch.validation_accuracy:.2%}  "
            f"learning rate {epoch.learning_rate:.4f}  {epoch.images_per_second:,.0f} images/s",
            file=sys.stderr,
        )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(sys.argv[1], Path(sys.argv[2]), is_json=sys.argv[3] == "json")
    except (ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on from the last epoch.", file=sys.stderr)
        sys.exit(130)
