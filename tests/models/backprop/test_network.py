import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.backprop.network import WEIGHT_NAMES, Array, forward, gradients, sigmoid, update

WEIGHTS = np.array([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55])
INPUTS, TARGETS = (0.05, 0.10), (0.5, 0.5)
with Path(__file__).with_name("golden_lr2.csv").open(newline="") as file:
    GOLDEN = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]

numbers = st.floats(-2, 2)
networks = st.tuples(
    st.lists(numbers, min_size=8, max_size=8),
    st.tuples(numbers, numbers),
    st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)),
)
Network = tuple[list[float], tuple[float, float], tuple[float, float]]


def test_every_cell_of_the_reference_workbook_is_met_to_12_digits() -> None:
    weights = WEIGHTS
    for row in GOLDEN:
        passed = forward(weights, INPUTS, TARGETS)
        gradient = gradients(weights, INPUTS, TARGETS, passed).weights
        ours = {field.name: getattr(passed, field.name) for field in fields(passed)}
        ours |= dict(zip(WEIGHT_NAMES, weights, strict=True))
        ours |= {f"dE_d{name}": value for name, value in zip(WEIGHT_NAMES, gradient, strict=True)}
        assert ours == pytest.approx({name: row[name] for name in ours}, rel=1e-12, abs=0)
        assert len(ours) == len(row) - len(("epoch", "t1", "t2", "i1", "i2"))
        weights = update(weights, 2.0, gradient)


@settings(deadline=None)
@given(networks)
def test_gradients_are_those_of_autograd(network: Network) -> None:
    weights, inputs, targets = network
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    autograd_loss(w, inputs, targets).backward()
    assert w.grad is not None
    np.testing.assert_allclose(gradient_of(np.array(weights), inputs, targets), w.grad.numpy(), rtol=1e-12, atol=1e-15)


@given(networks)
def test_gradients_are_those_of_central_differences(network: Network) -> None:
    weights, inputs, targets = network
    w, step = np.array(weights), 1e-5
    moved = w[:, None] + step * np.hstack([np.eye(8), -np.eye(8)])
    losses = forward(moved, inputs, targets).E_total
    np.testing.assert_allclose(gradient_of(w, inputs, targets), (losses[:8] - losses[8:]) / (2 * step), atol=1e-7)


@settings(deadline=None)
@given(networks)
def test_gradients_of_the_hidden_activations_are_those_of_autograd(network: Network) -> None:
    weights, inputs, targets = network
    w = torch.tensor(weights, dtype=torch.float64)
    a_h = torch.sigmoid(w[:4].reshape(2, 2) @ torch.tensor(inputs, dtype=torch.float64)).requires_grad_()
    output_loss(w, a_h, targets).backward()
    passed = forward(np.array(weights), inputs, targets)
    ours = gradients(np.array(weights), inputs, targets, passed)
    assert a_h.grad is not None
    np.testing.assert_allclose([ours.a_h1, ours.a_h2], a_h.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_huge_sums_saturate_without_a_warning() -> None:
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 0.5, 1.0]


def gradient_of(weights: Array, inputs: tuple[float, float], targets: tuple[float, float]) -> Array:
    return gradients(weights, inputs, targets, forward(weights, inputs, targets)).weights


def autograd_loss(w: torch.Tensor, inputs: tuple[float, float], targets: tuple[float, float]) -> torch.Tensor:
    return output_loss(w, torch.sigmoid(w[:4].reshape(2, 2) @ torch.tensor(inputs, dtype=torch.float64)), targets)


def output_loss(w: torch.Tensor, a_h: torch.Tensor, targets: tuple[float, float]) -> torch.Tensor:
    a_o = torch.sigmoid(w[4:].reshape(2, 2) @ a_h)
    return ((torch.tensor(targets, dtype=torch.float64) - a_o) ** 2).sum() / 2
