"""Trains the digit network from a recipe and a data set.

Digits of MNIST's test set that were read right, of 10,000, and the seconds of the training, on the two cores of the
test machine (AMD EPYC, torch 2.13, no GPU):

    recipe     epochs  seed  right  seconds
    robust     20      0     9,959  821    the network that ships (models/pretrained/card.json)
    fast       19      0     9,963
    fast       19      1     9,955  855    while the cores had other work (docs/training.md)
    reference  19      1     9,923  1,248  likewise

The random numbers of step n come from a seed that is made of (seed, n). So a checkpoint holds no random state, and a
run that was interrupted ends with the same weights as one that was not, bit for bit on the CPU. The order of a sum
depends on the number of threads, so a run keeps the number that it began with, and its precision.
"""

import copy
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.errors import BatchTooLarge, DeviceUnavailable, TrainingDiverged
from models.recipes import Recipe
from models.training.batches import prepare_batch
from models.training.capture import STEPS_PER_LOOK, Capture, CapturedSteps, capture_graph, own_stream
from models.training.data import Dataset
from models.training.digit_network import DigitNetwork
from models.training.environment import describe_environment
from models.training.evaluation import evaluate
from models.training.export import to_safetensors
from models.training.loss import compute_loss
from models.training.optimizers import build_optimizer
from models.training.schedule import learning_rate, mix_seed
from models.training.teacher import TEACHER_DATASET, load_teacher

THREADS = torch.get_num_threads()  # of this process, before a run sets another number


def build_digit_network(recipe: Recipe) -> nn.Module:
    return DigitNetwork(dropout=recipe.dropout)


def train(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    observer: "Observer",
    build: Callable[[Recipe], nn.Module] = build_digit_network,
) -> "TrainingRun":
    """Returns the finished run; its `final_network` is the trained one. Raises BatchTooLarge, TrainingDiverged."""
    with own_stream(device):
        run = TrainingRun(recipe, dataset, seed=seed, device=device, build=build)
        observer.before_training(run)
        torch.set_num_threads(run.threads)
        while run.steps_done < run.total_steps:
            _train_epoch(run, observer)
    return run


def _train_epoch(run: "TrainingRun", observer: "Observer") -> None:
    started, batches = time.perf_counter(), run.remaining_batches()
    run.network.train()
    for indices in batches:
        run.step(indices)
        if run.steps_done % run.steps_per_epoch and run.steps_done % run.steps_per_look == 0:
            run.require_finite_loss()
            observer.after_batch(run)
    observer.after_epoch(run, run.finish_epoch(started, sum(map(len, batches))))


@dataclass(frozen=True)
class Epoch:
    """The figures of one pass over the training pictures; `epoch` counts from 1, losses are mean NLL in nats."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    images_per_second: float
    weights_sha256: str  # of the network that would ship if the training ended here, as in `weights.safetensors`


class Observer(Protocol):
    """Follows a training. `before_training` may restore a checkpoint; the others may save one, or raise to stop."""

    def before_training(self, run: "TrainingRun") -> None: ...

    def after_batch(self, run: "TrainingRun") -> None:
        """Called after every batch but the last of an epoch, where `after_epoch` is; on a GPU, at every 50th."""

    def after_epoch(self, run: "TrainingRun", epoch: Epoch) -> None: ...


class TrainingRun:
    """The state of a training: the network, its average, the optimizer, and the number of steps that are done."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        *,
        seed: int,
        device: torch.device,
        build: Callable[[Recipe], nn.Module] = build_digit_network,
        capture: Capture | None = None,
    ) -> None:
        """`capture` makes the steps ones that need no host; by default they are so on a GPU.

        Raises BatchTooLarge if the data set has fewer training pictures than one batch.
        """
        if recipe.batch_size > len(dataset.train):
            raise BatchTooLarge(
                f"A batch of {recipe.batch_size:,} is larger than the {len(dataset.train):,} training pictures of "
                f"{dataset.name}. Ask for a smaller batch_size."
            )
        self.recipe, self.seed, self.device = recipe, seed, device
        self.dataset = dataset
        self.train, self.validation = dataset.train.to(device), dataset.validation.to(device)
        torch.manual_seed(seed)
        self.network = build(recipe).to(device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network) if recipe.average_decay is not None else None
        if capture is None and device.type == "cuda":
            capture = capture_graph
        self.captured = None if capture is None else CapturedSteps(capture)
        self.steps_per_look = STEPS_PER_LOOK if device.type == "cuda" else 1
        # A captured step reads what changes from step to step from tensors.
        weight = torch.zeros((), device=device)
        self._average_weight: Tensor | float = 0.0 if self.captured is None else weight  # of the latest network
        self.optimizer = build_optimizer(self.network, recipe, is_captured=self.captured is not None)
        has_teacher = recipe.distillation_weight > 0 and dataset.name == TEACHER_DATASET
        self.teacher = load_teacher().to(device) if has_teacher else None
        self.threads, self.precision = THREADS, choose_precision(recipe.precision, device)
        self.steps_done = 0
        self.restored: tuple[int, dict[str, Any]] | None = None  # the step of the checkpoint, and where it was made
        self.loss_sum = torch.zeros((), device=device)  # over the pictures of this epoch; read once per epoch
        self.steps_per_epoch = math.ceil(len(self.train) / recipe.batch_size)
        self.total_steps = recipe.epochs * self.steps_per_epoch

    @property
    def final_network(self) -> nn.Module:
        """The network to evaluate and to ship."""
        return self.network if self.average is None else self.average

    @property
    def is_as_restored(self) -> bool:
        """Whether no step was made since a checkpoint was restored."""
        return self.restored is not None and self.restored[0] == self.steps_done

    @property
    def environment(self) -> dict[str, Any]:
        """What the latest step was made on: this machine, unless a checkpoint from another one was the end."""
        if self.restored is not None and self.is_as_restored:
            return self.restored[1]
        return describe_environment(self.device, threads=self.threads, precision=self.precision)

    @property
    def is_in_cooldown(self) -> bool:
        return self.steps_done >= (1 - self.recipe.cooldown) * self.total_steps

    def remaining_batches(self) -> tuple[Tensor, ...]:
        """Returns the indices of the training pictures of each batch of this epoch that is not done yet."""
        epoch, done = divmod(self.steps_done, self.steps_per_epoch)
        generator = torch.Generator(self.device).manual_seed(mix_seed(self.seed, -1 - epoch))
        order = torch.randperm(len(self.train), generator=generator, device=self.device)
        batches: tuple[Tensor, ...] = order.split(self.recipe.batch_size)
        return batches[done:]

    def step(self, indices: Tensor) -> None:
        """Learn from the training pictures at `indices`. Raises TrainingDiverged before the weights change."""
        torch.manual_seed(mix_seed(self.seed, self.steps_done))
        recipe = self.recipe.in_cooldown() if self.is_in_cooldown else self.recipe
        self._set_rates()
        if self.captured is None:
            self._learn(indices, recipe)
        else:
            self.captured.run((len(indices), self.is_in_cooldown), indices, lambda batch: self._learn(batch, recipe))
        self.steps_done += 1

    def _learn(self, indices: Tensor, recipe: Recipe) -> None:
        """One step. On a GPU it is captured: nothing in it may depend on a value that the host would have to read."""
        pixels, labels = prepare_batch(self.train, indices, recipe)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            loss, label_loss = compute_loss(
                self.network,
                pixels,
                labels,
                teacher=self.teacher,
                distillation_weight=recipe.distillation_weight,
                label_smoothing=recipe.label_smoothing,
            )
        if self.captured is None:
            self._require_finite(loss.detach(), step=self.steps_done + 1)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.loss_sum += label_loss.detach() * len(indices)
        if self.average is not None:
            self._update_average(self.average)

    def _set_rates(self) -> None:
        """Set the learning rate of the next step, and the weight of its network in the average.

        Early in the run that weight is larger than the recipe's decay says.
        """
        rate, done = learning_rate(self.recipe, self.steps_done, self.total_steps), self.steps_done + 1
        weight = 1 - min(self.recipe.average_decay or 0.0, done / (done + 10))
        if isinstance(self._average_weight, Tensor):
            self._average_weight.fill_(weight)
        else:
            self._average_weight = weight
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def require_finite_loss(self) -> None:
        """Raise TrainingDiverged if the loss of this epoch so far is not finite. On a GPU this waits for it."""
        self._require_finite(self.loss_sum, step=self.steps_done)

    def finish_epoch(self, started: float, images: int) -> Epoch:
        """Returns the figures of the epoch, of which `images` were learnt from since `started`.

        Raises TrainingDiverged if its loss is not a number.
        """
        train_loss = float(self.loss_sum) / len(self.train)
        seconds = time.perf_counter() - started
        number = self.steps_done // self.steps_per_epoch
        validation = evaluate(self.final_network, self.validation)
        if not math.isfinite(train_loss + validation.loss):
            raise TrainingDiverged(f"The loss of epoch {number} is not finite. Try a lower learning rate.")
        self.loss_sum.zero_()
        return Epoch(
            epoch=number,
            train_loss=train_loss,
            validation_loss=validation.loss,
            validation_accuracy=validation.accuracy,
            learning_rate=learning_rate(self.recipe, self.steps_done - 1, self.total_steps),
            images_per_second=images / seconds,
            weights_sha256=hashlib.sha256(to_safetensors(self.final_network)).hexdigest(),
        )

    def _require_finite(self, loss: Tensor, *, step: int) -> None:
        if not math.isfinite(float(loss)):
            epoch = (step - 1) // self.steps_per_epoch + 1
            raise TrainingDiverged(
                f"The loss is not finite at step {step} of {self.total_steps} (epoch {epoch}). "
                "Try a lower learning rate."
            )

    @torch.no_grad()
    def _update_average(self, average: nn.Module) -> None:
        """Move the average towards the network."""
        averages = [tensor for tensor in average.state_dict().values() if tensor.is_floating_point()]
        latest = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        if isinstance(self._average_weight, float):
            torch._foreach_lerp_(averages, latest, self._average_weight)
            return
        for tensor, newer in zip(averages, latest, strict=True):
            tensor.lerp_(newer, self._average_weight)


def choose_precision(name: str, device: torch.device) -> str:
    """Returns what a new run computes with, `float32` or `bfloat16`; for `auto`, bfloat16 on a CPU that has it.

    On an AMD EPYC with AVX-512 BF16, forward and backward pass take 0.57 of the CPU time of float32.
    """
    if name != "auto":
        return name
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if device.type == "cpu" and has_bfloat16 else "float32"


def choose_device(name: str) -> torch.device:
    """Returns the device `cpu` or `cuda`; for `auto`, CUDA where there is one. Raises DeviceUnavailable."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable("This worker has no CUDA device. Ask for device 'cpu' or 'auto'.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
