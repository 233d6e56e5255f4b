"""A training in this terminal, without a service: `numeral train` hands its spec over to this module."""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm

from app.config import Settings
from app.jobs.specs import MnistTrainingSpec
from models.data import load_dataset
from models.errors import ModelError
from models.proving import prove
from models.training import Epoch, TrainingRun, choose_device


def main(spec_json: str, output: Path, is_json: bool) -> None:
    """Train as `spec_json` says and write weights, ONNX file and card into `output`."""
    spec, settings, started = MnistTrainingSpec.model_validate_json(spec_json), Settings(), time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(spec.dataset, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)
    run = TrainingRun(spec.to_recipe(), dataset, seed=spec.seed, device=choose_device(spec.device))
    with tqdm(total=run.total_steps, unit="batch", disable=None if not is_json else True) as bar:
        progress = _Progress(bar)
        run.advance(progress)
    proven = prove(run, recipe_name=spec.recipe, epochs=progress.epochs, seconds=time.perf_counter() - started)
    for name, content in proven.files.items():
        (output / name).write_bytes(content)
    if is_json:
        print(proven.files["card.json"].decode(), end="")
    else:
        test = proven.card["test"]
        print(f"{test['correct']} of {test['total']} test pictures read right ({test['accuracy']:.2%}); see {output}")


class _Progress:
    """A bar for the batches, a line for each epoch."""

    def __init__(self, bar: "tqdm[Any]") -> None:
        self.epochs: list[dict[str, Any]] = []
        self._bar = bar

    def after_batch(self, run: TrainingRun) -> None:
        self._bar.update(run.step - self._bar.n)

    def after_epoch(self, run: TrainingRun, epoch: Epoch) -> None:
        self.after_batch(run)
        self.epochs.append(asdict(epoch))
        self._bar.write(
            f"epoch {epoch.epoch:3}  train loss {epoch.train_loss:.4f}  validation {epoch.validation_accuracy:.2%}  "
            f"learning rate {epoch.learning_rate:.4f}  {epoch.images_per_second:,.0f} images/s",
            file=sys.stderr,
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), is_json=sys.argv[3] == "json")
    except ModelError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
