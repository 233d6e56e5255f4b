from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from models.backprop.sweeps.landscape import hessian, sharpness
from models.backprop.sweeps.task import Activation
from tests.models.backprop.sweeps.tasks import WORKBOOK, random_task
from tests.models.backprop.sweeps.test_sweep import torch_loss
from tests.models.backprop.test_network import Network, autograd_loss, networks


@settings(deadline=None, max_examples=30)
@given(networks)
def test_the_hessian_is_that_of_autograd(network: Network) -> None:
    weights, inputs, targets = network
    task = type(WORKBOOK)((2, 2, 2), "sigmoid", False, np.array([inputs]), np.array([targets]), np.array(weights))
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
    networks = np.stack([WORKBOOK.start, -WORKBOOK.start, np.full(8, np.nan)])
    found = sharpness(networks, WORKBOOK)
    expected = [np.linalg.eigvalsh(matrix)[-1] for matrix in hessian(networks[:2], WORKBOOK)]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    assert np.isnan(found[2])


def test_sharpness_of_saturated_sigmoids_is_a_number() -> None:
    start = np.array([-200.0, -200.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    task = replace(WORKBOOK, inputs=np.array([[2.0, 2.0]]), start=start)
    assert sharpness(start[None], task)[0] == pytest.approx(0.0244522, abs=1e-7)  # by torch's Hessian
