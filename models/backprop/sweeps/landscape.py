"""The loss landscape around a network's weights: the exact Hessian and its sharpness."""

from collections.abc import Callable

import numpy as np

from models.backprop import network
from models.backprop.network import Array, Pair
from models.backprop.sweeps.dense_networks import evaluate
from models.backprop.sweeps.task import Task

MAX_PARAMETERS = 64  # above this, the Hessians of all trials would take longer than the sweep
_STEP = 1e-30
_CHUNK_FLOATS = 1_000_000


def sharpness(parameters: Array, task: Task) -> Array:
    """Returns the largest eigenvalue of the Hessian at each row of (networks, parameters), NaN after an overflow.

    Gradient descent on a quadratic loss converges only at learning rates below 2 / sharpness.
    """
    found = np.full(len(parameters), np.nan)
    size = max(1, _CHUNK_FLOATS // parameters.shape[1] ** 2)
    for at in range(0, len(parameters), size):
        matrices = hessian(parameters[at : at + size], task)
        is_finite = np.isfinite(matrices).all(axis=(1, 2))
        found[at : at + size][is_finite] = np.linalg.eigvalsh(matrices[is_finite])[:, -1]
    return found


def hessian(parameters: Array, task: Task) -> Array:
    """Returns the second derivatives at each row of (networks, parameters): (networks, parameters, parameters).

    Column k is the imaginary part of gradient(w + i s e_k) / s, the complex-step derivative. It subtracts nothing,
    so with s = 1e-30 it is exact to rounding (Squire and Trapp, 1998).
    """
    networks, size = parameters.shape
    moved = parameters[:, None, :] + 1j * _STEP * np.eye(size)  # (networks, moved parameter, parameters)
    with np.errstate(all="ignore"):
        columns = _gradient(task)(moved.reshape(-1, size)).imag.reshape(networks, size, size) / _STEP
    symmetric: Array = (columns + columns.swapaxes(1, 2)) / 2
    return symmetric


def _gradient(task: Task) -> Callable[[Array], Array]:
    if not task.is_222:
        return lambda parameters: evaluate(parameters, task).gradient
    (i1, i2), (t1, t2) = task.inputs[0].tolist(), task.targets[0].tolist()
    return lambda parameters: _gradient_222(parameters.T, (i1, i2), (t1, t2)).T


def _gradient_222(weights: Array, inputs: Pair, targets: Pair) -> Array:
    passed = network.forward(weights, inputs, targets)
    return network.gradients(weights, inputs, targets, passed).weights
