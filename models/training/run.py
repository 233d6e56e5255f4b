"""Training the digit network: a plain function from a recipe and a data set to a network and its figures.

On this project's two-core test machine (AMD EPYC, torch 2.13): see benchmarks/epoch_time.py for the time of an
epoch and models/pretrained/card.json for the accuracy of the network that ships.

Every random number of step n is drawn from a seed made of (seed, n), so a checkpoint needs no random state: a run
that was interrupted anywhere goes on as if it had not been, bit for bit on the CPU. Sums depend on how many threads
share them, so a run keeps the number of threads that it began with.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from models.errors import DeviceUnavailable, TrainingDiverged
from models.recipes import Recipe
from models.training.augmentation import augment
from models.training.data import Dataset
from models.training.digit_network import DigitNetwork
from models.training.evaluation import evaluate
from models.training.outliers import draw_outliers
from models.training.synthetic_digits import draw_digits
from models.training.teacher import DATASET, load_teacher, teach

DRAWINGS_EACH = 300  # of every digit; each is moved and redrawn anew whenever it is used
OUTLIER_WEIGHT = 0.1
THREADS = torch.get_num_threads()  # of this process, before any run has asked for another number


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training pictures gave; `epoch` counts from 1, the loss is the mean NLL in nats."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    images_per_second: float


class Observer(Protocol):
    """Who is told how a training goes. Either call may save the run, and may raise to end it."""

    def after_batch(self, run: "TrainingRun") -> None: ...

    def after_epoch(self, run: "TrainingRun", epoch: Epoch) -> None: ...


def choose_device(name: str) -> torch.device:
    """The device `cpu`, `cuda`, or the better of the two for `auto`. Raises DeviceUnavailable."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("This worker has no CUDA device. Ask for device 'cpu' or 'auto'.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


class TrainingRun:
    """One training in progress: the network, its average, the optimiser, and how far it has come."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        *,
        seed: int,
        device: torch.device,
        build: Callable[[Recipe], nn.Module] = lambda recipe: DigitNetwork(dropout=recipe.dropout),
    ) -> None:
        self.recipe, self.seed, self.device = recipe, seed, device
        self.settled = recipe.settled()
        self.dataset = dataset
        self.train, self.validation = dataset.train.to(device), dataset.validation.to(device)
        torch.manual_seed(seed)
        self.network = build(recipe).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network) if recipe.average_decay is not None else None
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )
        self.teacher = load_teacher().to(device) if recipe.taught and dataset.name == DATASET else None
        self.threads = THREADS
        self.step = 0
        self.loss_sum = torch.zeros((), device=device)  # of the epoch so far; read once per epoch
        self.steps_per_epoch = math.ceil(len(self.train) / recipe.batch_size)
        self.total_steps = recipe.epochs * self.steps_per_epoch

    @property
    def final_network(self) -> nn.Module:
        """The network to evaluate and to ship."""
        return self.network if self.average is None else self.average

    def advance(self, observer: Observer) -> None:
        """Train until the last step, from wherever this run stands. Raises TrainingDiverged."""
        torch.set_num_threads(self.threads)
        while self.step < self.total_steps:
            self._finish_epoch(observer)

    def _finish_epoch(self, observer: Observer) -> None:
        epoch, start = divmod(self.step, self.steps_per_epoch)
        order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(_mix(self.seed, -1 - epoch)))
        batches = order.to(self.device).split(self.recipe.batch_size)
        started = time.perf_counter()
        self.network.train()
        for position in range(start, self.steps_per_epoch):
            self.train_on(batches[position])
            if position + 1 < self.steps_per_epoch:  # the last batch is reported with its epoch
                observer.after_batch(self)
        train_loss = float(self.loss_sum) / len(self.train)
        seconds = time.perf_counter() - started
        validation = evaluate(self.final_network, self.validation)
        if not math.isfinite(train_loss + validation.loss):
            raise TrainingDiverged(f"The loss of epoch {epoch + 1} is not a number. Try a lower learning rate.")
        self.loss_sum.zero_()
        observer.after_epoch(
            self,
            Epoch(
                epoch=epoch + 1,
                train_loss=train_loss,
                validation_loss=validation.loss,
                validation_accuracy=validation.accuracy,
                learning_rate=learning_rate(self.recipe, self.step - 1, self.total_steps),
                images_per_second=sum(map(len, batches[start:])) / seconds,
            ),
        )

    def train_on(self, batch: Tensor) -> None:
        """One step, on the training pictures whose indices are in `batch`."""
        torch.manual_seed(_mix(self.seed, self.step))
        images, labels = self.train.images[batch], self.train.labels[batch]
        if self.recipe.drawn:
            images, labels = self._with_drawings(images, labels)
        pixels = images.float().div_(255)  # (batch, 1, 28, 28)
        if self.recipe.is_augmented:
            is_settling = self.step >= (1 - self.recipe.settling) * self.total_steps
            pixels = augment(pixels, self.settled if is_settling else self.recipe)
        if self.recipe.outliers:
            pixels = torch.cat([pixels, draw_outliers(pixels, -(-self.recipe.outliers * len(batch) // 128))])
        log_probabilities = self.network(pixels.contiguous(memory_format=torch.channels_last))
        of_digits, of_outliers = log_probabilities.tensor_split([len(labels)])
        loss = objective = nn.functional.nll_loss(of_digits, labels)
        if self.teacher is not None:
            objective = torch.lerp(loss, teach(self.teacher, pixels[: len(labels)], of_digits), self.recipe.taught)
        if len(of_outliers):  # ten equal probabilities are what these should get
            objective = objective - OUTLIER_WEIGHT * of_outliers.mean()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step, self.total_steps)
        self.optimizer.zero_grad()
        objective.backward()
        self.optimizer.step()
        self.step += 1
        self.loss_sum += loss.detach() * len(batch)
        if self.average is not None:
            self._update_average(self.average)

    def _with_drawings(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The batch with the recipe's share of digits from our own pen."""
        drawings, digits = draw_digits(DRAWINGS_EACH)
        chosen = torch.randint(len(digits), (self.recipe.drawn * len(images) // 128,))
        return (
            torch.cat([images, drawings[chosen].to(self.device)]),
            torch.cat([labels, digits[chosen].to(self.device)]),
        )

    @torch.no_grad()
    def _update_average(self, average: nn.Module) -> None:
        """Move the average towards the network; early on the window is as long as the run so far."""
        decay = min(self.recipe.average_decay or 0.0, self.step / (self.step + 10))
        ours = [tensor for tensor in average.state_dict().values() if tensor.is_floating_point()]
        theirs = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)


def learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """The learning rate of step `step` (from 0) under the recipe's schedule."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    peak = recipe.warmup * total_steps
    done = step + 0.5  # the middle of the step: neither end wastes one at a rate of zero
    return recipe.learning_rate * min(done / peak, (total_steps - done) / (total_steps - peak))


def _mix(seed: int, number: int) -> int:
    """One 63-bit seed out of two numbers (the finaliser of splitmix64, Steele et al. 2014)."""
    z = (seed * 0x9E3779B97F4A7C15 + number + 1) * 0x9E3779B97F4A7C15 & (2**64 - 1)
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    z = (z ^ z >> 27) * 0x94D049BB133111EB & (2**64 - 1)
    return (z ^ z >> 31) >> 1
