"""The path of the GPU, on a CPU: the capture is stood in for by running the step as it is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from models.errors import TrainingDiverged
from models.recipes import RECIPES, Recipe
from models.training import checkpoints
from models.training.augmentation import COARSE_SIDES, _resample, _resample_by_matrix
from models.training.capture import WARM_UP_STEPS, Step, run_eagerly
from models.training.data import Dataset
from models.training.run import TrainingRun

CPU = torch.device("cpu")
HOST_READS = ("_local_scalar_dense", "nonzero", "masked_select", "unique")  # operators whose result the host waits for


class Captures:
    """A capture that counts, and replays by running the step."""

    def __init__(self) -> None:
        self.made = self.replayed = 0

    def __call__(self, step: Step) -> Step:
        self.made += 1

        def replay() -> None:
            self.replayed += 1
            step()

        return replay


class Operators(TorchDispatchMode):
    """Notes every operator that torch runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def make_run(recipe: Recipe, dataset: Dataset, capture: Callable[[Step], Step] | None = None) -> TrainingRun:
    return TrainingRun(recipe, dataset, seed=1, device=CPU, capture=capture)


def take_epochs(run: TrainingRun, count: int) -> list[float]:
    """Returns the loss of each epoch."""
    losses = []
    for _ in range(count):
        run.network.train()
        batches = run.remaining_batches()
        for indices in batches:
            run.step(indices)
        losses.append(run.finish_epoch(0.0, sum(map(len, batches))).train_loss)
    return losses


def weights(run: TrainingRun) -> Tensor:
    return torch.cat([tensor.flatten().double() for tensor in run.final_network.state_dict().values()])


@pytest.mark.parametrize("name", list(RECIPES))
def test_captured_steps_learn_what_plain_ones_do(name: str, optdigits: Dataset) -> None:
    """Bit for bit, but for the fused optimizer, whose sums are rounded otherwise."""
    recipe = replace(RECIPES[name], epochs=2, precision="float32")
    captures = Captures()
    plain, captured = make_run(recipe, optdigits), make_run(recipe, optdigits, captures)
    for group in captured.optimizer.param_groups:
        assert group["fused"]
        group["fused"] = None
    assert take_epochs(captured, 2) == take_epochs(plain, 2)
    assert torch.equal(weights(captured), weights(plain))
    # Whole batches in and before the cooldown, and the smaller last batches: one is captured of each that comes often.
    counts = [15, 3, 1, 1] if recipe.cooldown else [2 * (plain.steps_per_epoch - 1), 2]
    assert sum(counts) == captured.total_steps
    assert captures.made == sum(count > WARM_UP_STEPS for count in counts)
    assert captures.replayed == sum(max(0, count - WARM_UP_STEPS) for count in counts)


def test_fused_optimizer_of_captured_steps_is_the_plain_one_but_for_rounding(optdigits: Dataset) -> None:
    plain, captured = (make_run(RECIPES["fast"], optdigits, capture) for capture in (None, run_eagerly))
    for _ in range(3):
        for run in (plain, captured):
            run.network.train()
            run.step(run.remaining_batches()[0])
    torch.testing.assert_close(weights(captured), weights(plain), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", list(RECIPES))
def test_step_that_is_captured_reads_nothing_back(name: str, optdigits: Dataset) -> None:
    """`coarse` is apart: the CPU draws the size as a number (test_sizes_by_matrix), a GPU keeps it in a tensor."""
    recipe = replace(RECIPES[name], epochs=1, coarse=0.0)
    run = make_run(recipe, optdigits, run_eagerly)
    run.network.train()
    indices = run.remaining_batches()[0]
    run.step(indices)
    with Operators() as operators:
        run._learn(indices, recipe)
    assert "convolution" in operators.names
    assert not [name for name in operators.names if name.startswith(HOST_READS)]


def test_sizes_by_matrix_are_those_of_interpolation() -> None:
    pixels = torch.rand(8, 1, 28, 28)
    for side in range(COARSE_SIDES[0], COARSE_SIDES[1] + 1):
        torch.testing.assert_close(_resample_by_matrix(pixels, torch.tensor(side)), _resample(pixels, side))


def test_training_that_cannot_be_captured_goes_on_without(optdigits: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(step: Step) -> Step:
        raise RuntimeError("operation not permitted when stream is capturing")

    recipe = replace(RECIPES["fast"], epochs=2)
    run = make_run(recipe, optdigits, refuse)
    assert take_epochs(run, 2) == pytest.approx(take_epochs(make_run(recipe, optdigits, run_eagerly), 2))
    assert "not permitted when stream is capturing" in caplog.text


def test_captured_run_goes_on_from_a_checkpoint_to_the_same_weights(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], epochs=2)
    whole = make_run(recipe, optdigits, run_eagerly)
    take_epochs(whole, 1)
    resumed = make_run(recipe, optdigits, run_eagerly)
    checkpoints.restore(resumed, checkpoints.to_bytes(whole))
    for run in (whole, resumed):
        take_epochs(run, 1)
    assert torch.equal(weights(whole), weights(resumed))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: the step of AdamW is a host tensor elsewhere too")
def test_adamw_goes_on_from_a_checkpoint_on_a_gpu(optdigits: Dataset) -> None:
    recipe = replace(RECIPES["fast"], epochs=2, optimizer="adamw", learning_rate=0.002)
    whole, resumed = (TrainingRun(recipe, optdigits, seed=1, device=torch.device("cuda")) for _ in range(2))
    take_epochs(whole, 1)
    checkpoints.restore(resumed, checkpoints.to_bytes(whole))
    take_epochs(resumed, 1)
    assert {state["step"].device.type for state in resumed.optimizer.state.values()} == {"cuda"}


def test_loss_that_is_not_a_number_is_told_with_its_step(optdigits: Dataset) -> None:
    run = make_run(replace(RECIPES["fast"], epochs=1), optdigits)
    run.step(run.remaining_batches()[0])
    run.require_finite_loss()
    run.loss_sum.fill_(torch.nan)
    with pytest.raises(TrainingDiverged, match="step 1 of 10"):
        run.require_finite_loss()
