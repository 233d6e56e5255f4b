from dataclasses import replace

import numpy as np
import pytest
import torch

from models.backprop import network
from models.backprop.network import Array
from models.backprop.sweeps import result_size
from models.backprop.sweeps import sweep as sweep_module
from models.backprop.sweeps.dense_networks import DenseNetworks, evaluate
from models.backprop.sweeps.descent import EarlyStopping
from models.backprop.sweeps.sweep import SweepResult, run_sweep
from models.backprop.sweeps.task import Activation, Task, split
from tests.models.backprop.sweeps.tasks import WORKBOOK, random_task
from tests.models.backprop.test_network import GOLDEN, INPUTS, TARGETS, WEIGHTS

RATES = [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]


def test_a_sweep_repeats_the_reference_workbook() -> None:
    swept = run_sweep(WORKBOOK, [2.0], epochs=20, thresholds=[])
    assert swept.losses[0].tolist() == pytest.approx([row["E_total"] for row in GOLDEN], rel=1e-12)
    assert swept.outputs[0, 0].tolist() == pytest.approx([GOLDEN[-1]["a_o1"], GOLDEN[-1]["a_o2"]], rel=1e-12)


def test_networks_in_place_compute_what_the_equations_say() -> None:
    rates, weights = np.array([0.1, 2.0, 30.0, 200.0]), np.repeat(WEIGHTS[:, None], 4, axis=1)
    swept = run_sweep(WORKBOOK, rates.tolist(), epochs=200, thresholds=[])
    for epoch in range(201):
        passed = network.forward(weights, INPUTS, TARGETS)
        gradient = network.gradients(weights, INPUTS, TARGETS, passed).weights
        np.testing.assert_allclose(swept.losses[:, epoch], passed.E_total, rtol=1e-9, atol=1e-20)
        np.testing.assert_allclose(swept.gradient_norms[:, epoch], np.linalg.norm(gradient, axis=0), 1e-6, 1e-12)
        if epoch < 200:
            weights = network.update(weights, rates, gradient)
    np.testing.assert_allclose(swept.parameters.T, weights, rtol=1e-12)


def test_dense_networks_compute_the_same_as_those_in_place() -> None:
    in_place = run_sweep(WORKBOOK, RATES, epochs=100, thresholds=[])
    doubled = replace(
        WORKBOOK, inputs=np.repeat(WORKBOOK.inputs, 2, axis=0), targets=np.repeat(WORKBOOK.targets, 2, axis=0)
    )
    dense = run_sweep(doubled, RATES, epochs=100, thresholds=[])  # the same sample twice has the same mean
    np.testing.assert_allclose(dense.losses, in_place.losses, rtol=1e-12)
    np.testing.assert_allclose(dense.parameters, in_place.parameters, rtol=1e-12)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("has_biases", [False, True])
def test_gradients_of_any_network_are_those_of_autograd(activation: Activation, has_biases: bool) -> None:
    task = random_task((3, 5, 4, 2), activation=activation, has_biases=has_biases, samples=6)
    parameters = torch.tensor(task.start[None], requires_grad=True)
    torch_loss(parameters, task).backward()
    assert parameters.grad is not None
    ours = evaluate(task.start[None], task).gradient
    np.testing.assert_allclose(ours, parameters.grad.numpy(), rtol=1e-12, atol=1e-16)


def test_blocks_and_windows_leave_the_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_sweep(WORKBOOK, RATES, epochs=50, thresholds=[1e-2])
    monkeypatch.setattr(sweep_module, "MAX_BLOCK_FLOATS", 70)
    monkeypatch.setattr(sweep_module, "WINDOW_MULTIPLICATIONS", 100)
    steps: list[int] = []
    parts = run_sweep(WORKBOOK, RATES, epochs=50, thresholds=[1e-2], on_progress=steps.append)
    for name in ("losses", "gradient_norms", "parameters", "reached", "has_risen"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    assert steps == sorted(steps)
    assert steps[-1] == 50 * len(RATES)
    assert len(steps) > 6


def test_each_epoch_of_many_small_steps_reports_progress() -> None:
    task, done = replace(random_task((1, 1), samples=1000), batch_size=1), list[int]()
    run_sweep(task, [0.1], epochs=3, thresholds=[], on_progress=done.append)
    assert done == [1, 2, 3, 3]


def test_a_threshold_is_reached_at_the_first_epoch_below_it() -> None:
    swept = run_sweep(WORKBOOK, RATES, epochs=100, thresholds=[1e-3, 1e-6])
    for curve, epoch in zip(swept.losses, swept.reached[0], strict=True):
        below = np.flatnonzero(curve < 1e-3)
        assert epoch == (below[0] if len(below) else -1)
    assert swept.reached[1].tolist() == [-1, -1, -1, -1, -1, 73]


def test_a_sweep_stops_each_network_below_its_target_loss() -> None:
    free = run_sweep(WORKBOOK, RATES, epochs=100, thresholds=[1e-3])
    stopped = run_sweep(WORKBOOK, RATES, epochs=100, thresholds=[], early_stopping=EarlyStopping(target_loss=1e-3))
    expected = np.where(free.reached[0] >= 0, free.reached[0], 100)
    assert stopped.last_epochs.tolist() == expected.tolist()
    for trial, last in enumerate(expected):
        np.testing.assert_array_equal(stopped.losses[trial, : last + 1], free.losses[trial, : last + 1])
        assert np.isnan(stopped.losses[trial, last + 1 :]).all()
    assert stopped.last_losses[-1] == stopped.losses[-1, expected[-1]]


def test_a_sweep_stops_a_network_whose_loss_no_longer_falls() -> None:
    saturated = replace(WORKBOOK, start=np.full(8, 500.0))
    swept = run_sweep(saturated, [1.0], epochs=100, thresholds=[], early_stopping=EarlyStopping(patience=7))
    assert swept.last_epochs.tolist() == [7]


def test_an_overflow_does_not_disturb_the_other_networks() -> None:
    task = random_task((2, 4, 1), activation="relu", samples=3)
    swept = run_sweep(task, [0.01, 1e6], epochs=60, thresholds=[])
    alone = run_sweep(task, [0.01], epochs=60, thresholds=[])
    assert not np.isfinite(swept.losses[1]).all() or swept.losses[1, -1] == swept.losses[1, -2]
    np.testing.assert_array_equal(swept.losses[0], alone.losses[0])


def test_many_points_are_kept_as_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_size, "MAX_FLOAT64_NUMBERS", 100)
    swept: SweepResult = run_sweep(WORKBOOK, RATES, epochs=50, thresholds=[])
    assert swept.losses.dtype == np.float32
    assert swept.last_losses.dtype == np.float64


def test_no_step_leaves_parameters_as_they_are() -> None:
    networks = DenseNetworks(random_task((2, 3, 1)), np.zeros(2))
    before: Array = networks.parameters()
    networks.step()
    np.testing.assert_array_equal(networks.parameters(), before)


def torch_loss(parameters: torch.Tensor, task: Task) -> torch.Tensor:
    activate = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[task.activation]
    activation, at = torch.tensor(task.inputs), 0
    for weights, biases in split(task.start[None], task):
        matrix = parameters[0, at : at + weights.size].reshape(weights.shape[1:])
        at += weights.size
        sums = activation @ matrix.T
        if biases is not None:
            sums, at = sums + parameters[0, at : at + biases.size], at + biases.size
        activation = activate(sums)
    return ((activation - torch.tensor(task.targets)) ** 2).sum() / 2 / len(task.inputs)
