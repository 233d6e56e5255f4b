from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from models.backprop.sweeps import critical_rates
from models.backprop.sweeps.curve_statistics import CurveStatistics
from models.backprop.sweeps.landscape import hessian, sharpness
from models.backprop.sweeps.outcomes import classify, find_fastest
from models.backprop.sweeps.sweep import run_sweep
from models.backprop.sweeps.task import Activation, Task
from tests.models.backprop.sweeps.tasks import SMALL, random_task
from tests.models.backprop.sweeps.test_sweep import torch_loss
from tests.models.backprop.test_network import Network, autograd_loss, networks


@settings(deadline=None, max_examples=30)
@given(networks)
def test_the_hessian_is_that_of_autograd(network: Network) -> None:
    weights, inputs, targets = network
    task = type(SMALL)((2, 2, 2), "sigmoid", False, np.array([inputs]), np.array([targets]), np.array(weights))
    exact = torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
        lambda w: autograd_loss(w, inputs, targets), torch.tensor(weights, dtype=torch.float64)
    )
    np.testing.assert_allclose(hessian(task.start[None], task)[0], exact.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_hessian_of_any_network_is_that_of_autograd(activation: Activation) -> None:
    task = random_task((2, 4, 3, 2), activation=activation, has_biases=True, samples=3)
    exact = torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
        lambda w: torch_loss(w[None], task), torch.tensor(task.start)
    )
    np.testing.assert_allclose(hessian(task.start[None], task)[0], exact.numpy(), rtol=1e-10, atol=1e-14)


def test_sharpness_is_the_largest_eigenvalue_of_each_network() -> None:
    networks = np.stack([SMALL.start, -SMALL.start, np.full(8, np.nan)])
    found = sharpness(networks, SMALL)
    expected = [np.linalg.eigvalsh(matrix)[-1] for matrix in hessian(networks[:2], SMALL)]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    assert np.isnan(found[2])


def test_critical_rates_are_those_of_trying_every_number_of_three_digits() -> None:
    every = [float(f"{digits}e{exponent}") for exponent in range(-6, 1) for digits in range(100, 1000)] + [1000.0]
    swept = run_sweep(SMALL, every, epochs=100, thresholds=[])
    converged = swept.last_losses < 1e-6
    begins = int(converged.argmax())
    found = critical_rates.find(SMALL, [], epochs=100, converged_loss=1e-6)
    assert found.loss_rises == every[int(swept.has_risen.argmax())]
    assert found.convergence_begins == every[begins]
    assert found.convergence_ends == every[begins + int((~converged[begins:]).argmax())]


def test_critical_rates_are_none_where_there_are_none() -> None:
    assert critical_rates.find(SMALL, [], epochs=1, converged_loss=1e-30).convergence_begins is None
    assert critical_rates.find(SMALL, [], epochs=100_000, converged_loss=1.0).convergence_ends is None


@pytest.mark.parametrize(
    ("last", "norm", "has_risen", "word"),
    [
        (float("nan"), 1.0, True, "diverged"),
        (float("inf"), 1.0, True, "diverged"),
        (1e-7, 1e-9, True, "converged"),
        (0.3, 1e-9, True, "stalled"),
        (0.3, 0.1, True, "diverged"),
        (0.1, 0.1, True, "oscillating"),
        (0.1, 0.1, False, "descending"),
        (0.2, 0.1, False, "descending"),
    ],
)
def test_the_first_rule_that_holds_names_the_outcome(last: float, norm: float, has_risen: bool, word: str) -> None:
    assert classify(0.2, last, norm, has_risen=has_risen, converged_loss=1e-6) == word


def test_the_fastest_trial_reached_the_hardest_threshold_first() -> None:
    losses = np.array([0.1, 0.2, 0.3])
    assert find_fastest(np.array([[3, 2, 1], [9, 5, -1]]), losses) == 1
    assert find_fastest(np.array([[3, 2, 1], [-1, -1, -1]]), losses) == 2
    assert find_fastest(np.array([[2, 2, -1]]), losses) == 0
    assert find_fastest(np.array([[-1, -1, -1]]), losses) is None


def test_rates_that_were_chosen_are_evidence_for_the_critical_ones() -> None:
    task = Task(
        layers=(2, 2, 2),
        activation="sigmoid",
        has_biases=False,
        inputs=np.array([[-0.81, 1.5]]),
        targets=np.array([[0.2, 0.51]]),
        start=np.array([-0.39, 1.54, 0.31, 3.52, 1.48, 2.74, -2.16, -0.38]),
    )
    found = critical_rates.find(task, [32.3, 33.0], epochs=500, converged_loss=1e-6)
    assert found.convergence_ends is not None
    assert found.convergence_ends <= 32.3


def test_sharpness_of_saturated_sigmoids_is_a_number() -> None:
    start = np.array([-200.0, -200.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    task = replace(SMALL, inputs=np.array([[2.0, 2.0]]), start=start)
    assert sharpness(start[None], task)[0] == pytest.approx(0.0244522, abs=1e-7)  # by torch's Hessian


@pytest.mark.parametrize("window", [1, 2, 4])
def test_what_is_noted_of_a_curve_does_not_depend_on_where_it_is_cut(window: int) -> None:
    losses = np.array([[0.5, 1.0], [1e-4, np.inf], [1e200, np.inf], [np.nan, np.nan]])
    statistics = CurveStatistics(2, [1e-3])
    for first in range(0, 4, window):
        statistics.update(first, losses[first : first + window])
    assert statistics.reached.tolist() == [[1, -1]]
    assert statistics.has_risen.tolist() == [True, True]
