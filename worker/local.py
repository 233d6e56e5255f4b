"""A training in this terminal, without a service: `numeral train` runs this module with its spec."""

import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from app.config import Settings
from app.errors import FileUnusable, file_is
from app.jobs.specs import MnistTrainingSpec
from models.errors import CheckpointUnusable, ModelError
from models.training.checkpoints import restore, to_bytes
from models.training.data import load_dataset
from models.training.packaging import package_model
from models.training.run import Epoch, TrainingRun, choose_device, train


def main(spec_json: str, output: Path, is_json: bool) -> None:
    """Train as `spec_json` says and write weights, ONNX file and card into `output`.

    Each epoch writes a checkpoint there, from which an interrupted training of the same spec resumes.
    """
    spec, settings, started = MnistTrainingSpec.model_validate_json(spec_json), Settings(), time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(spec.dataset, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)
    device = choose_device(spec.device)
    with tqdm(unit="batch", disable=True if is_json else None) as bar:
        terminal = _Terminal(bar, SavedRun(output, spec_json))
        run = train(spec.to_recipe(), dataset, seed=spec.seed, device=device, observer=terminal)
    seconds = time.perf_counter() - started
    asked = spec.model_dump(mode="json")
    package = package_model(run, recipe_name=spec.recipe, epochs=terminal.epochs, seconds=seconds, spec=asked)
    for name, content in package.files.items():
        (output / name).write_bytes(content)
    terminal.saved.delete()
    if is_json:
        print(package.files["card.json"].decode(), end="")
    else:
        test = package.card["test"]
        print(f"{test['correct']} of {test['total']} test pictures read right ({test['accuracy']:.2%}); see {output}")


class SavedRun:
    """What an interrupted training left in its output folder: a checkpoint, its spec, and the epochs so far."""

    def __init__(self, folder: Path, spec_json: str) -> None:
        self._checkpoint, self._notes = folder / "checkpoint.safetensors", folder / "checkpoint.json"
        self._spec = json.loads(spec_json)

    def save(self, run: TrainingRun, epochs: list[dict[str, Any]]) -> None:
        notes = {"spec": self._spec, "step": run.steps_done, "epochs": epochs}
        # The notes first: after an interruption between the two, `restore` drops the epoch that the checkpoint lacks.
        for path, content in ((self._notes, json.dumps(notes).encode()), (self._checkpoint, to_bytes(run))):
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)

    def restore(self, run: TrainingRun) -> list[dict[str, Any]]:
        """Put `run` where the saved one stood, if there is one of the same spec. Returns its epochs so far.

        Raises CheckpointUnusable, and leaves `run` as it was.
        """
        if not (self._notes.is_file() and self._checkpoint.is_file()):
            return []
        notes = json.loads(self._notes.read_text())
        if notes["spec"] != self._spec:
            return []
        restore(run, self._checkpoint.read_bytes())
        epochs: list[dict[str, Any]] = notes["epochs"]
        return epochs[: run.steps_done // run.steps_per_epoch]

    def delete(self) -> None:
        self._checkpoint.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)


class _Terminal:
    """Shows the progress of a training: a bar for the batches, a line for each epoch, whose checkpoint it saves."""

    def __init__(self, bar: "tqdm[Any]", saved: SavedRun) -> None:
        self._bar, self.saved = bar, saved
        self.epochs: list[dict[str, Any]] = []

    def before_training(self, run: TrainingRun) -> None:
        try:
            self.epochs = self.saved.restore(run)
        except CheckpointUnusable as error:
            print(f"{error} The training begins anew.", file=sys.stderr)
        self._bar.total = run.total_steps
        self._bar.initial = self._bar.n = self._bar.last_print_n = run.steps_done
        self._bar.refresh()

    def after_batch(self, run: TrainingRun) -> None:
        self._bar.update(run.steps_done - self._bar.n)

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.after_batch(run)
        self.epochs.append(asdict(epoch))
        self.saved.save(run, self.epochs)
        self._bar.write(
            f"epoch {epoch.epoch:3}  train loss {epoch.train_loss:.4f}  validation {epoch.validation_accuracy:.2%}  "
            f"learning rate {epoch.learning_rate:.4f}  {epoch.images_per_second:,.0f} images/s",
            file=sys.stderr,
        )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with file_is("written"):
            main(sys.argv[1], Path(sys.argv[2]), is_json=sys.argv[3] == "json")
    except (ModelError, FileUnusable) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Interrupted. The same command resumes after the last epoch.", file=sys.stderr)
        sys.exit(130)
