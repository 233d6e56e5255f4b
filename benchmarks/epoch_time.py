"""An epoch of `fast` against one of `reference` written the usual way: python benchmarks/epoch_time.py [MNIST_DIR]

The usual way: torchvision's data set with ToTensor and Normalize, a DataLoader that shuffles, `loss.item()` each step.
Both train the same network on the same threads, in turns of 60 batches; the ratio of each pair is taken, so that it
holds when the machine's speed drifts. --whole runs a whole epoch of each instead, and then the four epochs of `quick`,
from data in memory to the final weights: how many times longer do the 19 epochs of `reference` take?
"""

import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from models.recipes import RECIPES, Recipe
from models.training.data import Dataset, Split, import_mnist, load_dataset
from models.training.digit_network import DigitNetwork
from models.training.run import TrainingRun

PAIRS, BATCHES, STEPS_PER_EPOCH = 5, 60, 469  # of 128, over the 60,000 pictures


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    mnist_dir = Path(arguments[0] if arguments else os.environ.get("NUMERAL_MNIST_DIR", "data"))
    pairs, batches = (1, STEPS_PER_EPOCH) if "--whole" in sys.argv else (PAIRS, BATCHES)
    with TemporaryDirectory() as folder:
        dataset = load_dataset("mnist", data_dir=Path(folder), mnist_dir=mnist_dir)
        fast, usual = (
            fast_steps(TrainingRun(RECIPES["fast"], dataset, seed=0, device=torch.device("cpu"))),
            usual_steps(folder),
        )
        take(fast, 5), take(usual, 5)
        rows = [(take(fast, batches), take(usual, batches)) for _ in range(pairs)]
        quick = train_whole(RECIPES["quick"], dataset) if "--whole" in sys.argv else (0.0, 0.0)
    for index, name in enumerate(("wall", "CPU")):
        ours, theirs = ([row[side][index] for row in rows] for side in (0, 1))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        scale = STEPS_PER_EPOCH / batches
        print(
            f"epoch of 60,000, {name:4} time: fast {scale * statistics.median(ours):5.1f} s, "
            f"reference as usual {scale * statistics.median(theirs):5.1f} s, ratio {ratio:.2f}"
        )
        if "--whole" in sys.argv:
            seconds = quick[index]
            times = 19 * theirs[0] / seconds
            print(f"quick, 4 epochs, {name:4} time: {seconds:.1f} s; 19 epochs as usual take {times:.1f} times that")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {pairs} pairs of {batches} batches")


def join(one: Split, other: Split) -> Split:
    return Split(torch.cat([one.images, other.images]), torch.cat([one.labels, other.labels]))


def train_whole(recipe: Recipe, dataset: Dataset) -> tuple[float, float]:
    """Wall and CPU seconds of a training on all 60,000 pictures."""
    everything = join(dataset.train, dataset.validation)
    wall, cpu = time.perf_counter(), time.process_time()
    whole = Dataset(dataset.name, dataset.sha256, everything, dataset.validation, dataset.test)
    run = TrainingRun(recipe, whole, seed=0, device=torch.device("cpu"))
    run.network.train()
    while run.steps_done < run.total_steps:
        for indices in run.remaining_batches():
            run.step(indices)
    return time.perf_counter() - wall, time.process_time() - cpu


def take(steps: Iterator[None], count: int) -> tuple[float, float]:
    """Wall and CPU seconds of the next `count` steps."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        next(steps)
    return time.perf_counter() - wall, time.process_time() - cpu


def fast_steps(run: TrainingRun) -> Iterator[None]:
    """A step of this project's own loop at each `next`."""
    run.network.train()
    while True:
        for batch in torch.randperm(len(run.train)).split(run.recipe.batch_size):
            if len(batch) == run.recipe.batch_size:
                run.steps_done %= run.total_steps
                run.step(batch)
                yield


def usual_steps(folder: str) -> Iterator[None]:
    """A step of the reference as tutorials write it at each `next`."""
    loader = published_loader(folder)
    network = DigitNetwork(dropout=0.05)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    network.train()
    while True:
        for pixels, labels in loader:
            take_published_step(network, optimizer, pixels, labels)
            yield


def take_published_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, pixels: torch.Tensor, labels: torch.Tensor
) -> None:
    optimizer.zero_grad()
    loss = nn.functional.nll_loss(network(pixels), labels)
    loss.backward()
    optimizer.step()
    loss.item()


def published_loader(folder: str) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """The 60,000 training pictures in batches of 128, through PIL, as tutorials load them."""
    from torchvision import transforms

    normalise = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    dataset = import_mnist()(folder, train=True, transform=normalise)
    return torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True)


if __name__ == "__main__":
    main()
