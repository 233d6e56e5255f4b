"""How accurate and how fast are the recipes? python benchmarks/training.py [--recipes quick,fast] [--seeds 5]

The recipes were tuned on MNIST's training set alone, with the writers of mnist_validation.json held out. Here each
trains on all 60,000 pictures, once per seed; the weights of the last epoch (or their moving average) read the test set
once. Beside them the `reference` trains as published: torchvision's data set with ToTensor and Normalize, a DataLoader,
19 epochs; its test accuracy is printed after every epoch, so that the published claim (99.4 % from epoch 16 on) can be
judged. Wall time is from data in memory to the final weights.

Writes the figures as JSON (--json) and prints them as Markdown. The reference takes about a quarter of an hour on
two cores.
"""

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from epoch_time import join, published_loader, take_published_step
from scipy import stats
from torch import nn

from app.config import Settings
from models.recipes import RECIPES, Recipe
from models.training.data import Dataset, Split, load_dataset
from models.training.digit_network import PIXEL_MEAN, PIXEL_STD, DigitNetwork
from models.training.evaluation import evaluate
from models.training.run import TrainingRun

HALVES = (slice(0, 5000), slice(5000, 10_000))  # students and census employees: the first half is harder


@dataclass(frozen=True)
class Outcome:
    """One training: test digits read right, of 10,000, in each half, and what it cost."""

    recipe: str
    seed: int
    epochs: int
    correct: int
    halves: tuple[int, int]
    wall_seconds: float
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="How accurate and how fast are the recipes?")
    parser.add_argument("--recipes", default="quick,fast", help="names, separated by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-reference", action="store_true")
    parser.add_argument("--json", type=Path, help="where to write the figures, e.g. docs/training.json")
    arguments = parser.parse_args()
    settings = Settings()
    outcomes: list[Outcome] = []
    reference: list[dict[str, float]] = []
    with TemporaryDirectory() as folder:
        dataset = load_dataset("mnist", data_dir=Path(folder), mnist_dir=settings.mnist_dir)
        everything = join(dataset.train, dataset.validation)
        for name in filter(None, arguments.recipes.split(",")):
            for seed in range(arguments.seeds):
                outcomes.append(train_once(name, RECIPES[name], dataset, everything, seed))
                print(f"{name}, seed {seed}: {outcomes[-1]}", flush=True)
            print(describe(name, [outcome for outcome in outcomes if outcome.recipe == name]), flush=True)
        if not arguments.no_reference:
            reference = train_reference(folder, dataset.test)
    report = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "reference": reference,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def train_once(name: str, recipe: Recipe, dataset: Dataset, everything: Split, seed: int) -> Outcome:
    """Train on all 60,000 pictures; nothing is evaluated before the end."""
    wall, cpu = time.perf_counter(), time.process_time()
    whole = Dataset(dataset.name, dataset.sha256, everything, dataset.validation, dataset.test)
    run = TrainingRun(recipe, whole, seed=seed, device=torch.device("cpu"))
    run.network.train()
    while run.steps_done < run.total_steps:
        for indices in run.remaining_batches():
            run.step(indices)
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    correct, halves = read_test_set(run.final_network, dataset.test)
    return Outcome(name, seed, recipe.epochs, correct, halves, *seconds)


def read_test_set(network: nn.Module, test: Split) -> tuple[int, tuple[int, int]]:
    """How many test digits are read right, in all and in each half."""
    first, second = (evaluate(network, Split(test.images[half], test.labels[half])).correct for half in HALVES)
    return first + second, (first, second)


def train_reference(folder: str, test: Split) -> list[dict[str, float]]:
    """Train the reference as published; its figures after every epoch. Reading the test set is not in the seconds."""
    torch.manual_seed(1)
    recipe = RECIPES["reference"]
    loader, network = published_loader(folder), DigitNetwork(dropout=recipe.dropout)
    learner = nn.Sequential(Denormalise(), network)  # the loader normalises, and so does the network
    optimizer = torch.optim.SGD(network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum)
    wall_seconds, cpu_seconds, epochs = 0.0, 0.0, []
    print("| epoch of `reference` | test accuracy | seconds | CPU seconds |\n|---|---|---|---|")
    for epoch in range(1, recipe.epochs + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        network.train()
        for pixels, labels in loader:
            take_published_step(learner, optimizer, pixels, labels)
        wall_seconds += time.perf_counter() - wall
        cpu_seconds += time.process_time() - cpu
        correct, _ = read_test_set(network, test)
        seconds = {"wall_seconds": wall_seconds, "cpu_seconds": cpu_seconds}
        epochs.append({"epoch": epoch, "correct": correct} | seconds)
        print(f"| {epoch} | {correct / 10_000:.2%} | {wall_seconds:.0f} | {cpu_seconds:.0f} |", flush=True)
    return epochs


class Denormalise(nn.Module):
    """Brings normalised pixels back to 0..1."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels * PIXEL_STD + PIXEL_MEAN


def describe(name: str, outcomes: list[Outcome]) -> str:
    """Mean, standard deviation, least and 95 % interval of the mean (Student's t) of the accuracies, in per cent."""
    accuracies = [outcome.correct / 100 for outcome in outcomes]
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    reach = stats.t.ppf(0.975, max(1, len(accuracies) - 1)) * deviation / len(accuracies) ** 0.5
    halves = " and ".join(f"{statistics.mean(each.halves[half] / 50 for each in outcomes):.2f}" for half in (0, 1))
    wall = statistics.median(outcome.wall_seconds for outcome in outcomes)
    cpu = statistics.median(outcome.cpu_seconds for outcome in outcomes)
    return (
        f"`{name}`, {outcomes[0].epochs} epochs, {len(outcomes)} seeds: mean {mean:.3f} % (95 % interval "
        f"{mean - reach:.3f} to {mean + reach:.3f}), standard deviation {deviation:.3f}, least {min(accuracies):.2f}; "
        f"halves {halves} %; {wall:.0f} s, {cpu:.0f} s CPU"
    )


if __name__ == "__main__":
    main()
