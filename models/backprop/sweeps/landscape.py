"""The shape of the loss around some weights: the exact Hessian, its sharpness, and the learning rate that it bears."""

from collections.abc import Callable

import numpy as np

from models.backprop import network as backprop
from models.backprop.network import Array, Pair
from models.backprop.sweeps.dense_networks import evaluate
from models.backprop.sweeps.networks import Task

MOST_PARAMETERS = 64  # for more, the Hessian of every trial would take longer than the sweep
_STEP = 1e-30
_CHUNK_NUMBERS = 1_000_000


def sharpness(parameters: Array, task: Task) -> Array:
    """The largest eigenvalue of the Hessian at each row of (networks, parameters): (networks,), NaN after overflow.

    Gradient descent on a quadratic of this sharpness converges below the learning rate 2 / sharpness only.
    """
    found = np.full(len(parameters), np.nan)
    size = max(1, _CHUNK_NUMBERS // parameters.shape[1] ** 2)
    for at in range(0, len(parameters), size):
        matrices = hessian(parameters[at : at + size], task)
        is_finite = np.isfinite(matrices).all(axis=(1, 2))
        found[at : at + size][is_finite] = np.linalg.eigvalsh(matrices[is_finite])[:, -1]
    return found


def hessian(parameters: Array, task: Task) -> Array:
    """Second derivatives of the loss at each row of (networks, parameters): (networks, parameters, parameters).

    Column k is the imaginary part of gradient(w + i s e_k) / s. No difference is taken, so with s = 1e-30 it is exact
    to rounding (Squire and Trapp, 1998), and the gradient stays the one that was derived by hand.
    """
    networks, size = parameters.shape
    moved = parameters[:, None, :] + 1j * _STEP * np.eye(size)  # (networks, moved parameter, parameters)
    with np.errstate(all="ignore"):
        columns = _gradient(task)(moved.reshape(-1, size)).imag.reshape(networks, size, size) / _STEP
    symmetric: Array = (columns + columns.swapaxes(1, 2)) / 2
    return symmetric


def _gradient(task: Task) -> Callable[[Array], Array]:
    if not task.is_small:
        return lambda parameters: evaluate(parameters, task).gradient
    (i1, i2), (t1, t2) = task.inputs[0].tolist(), task.targets[0].tolist()
    return lambda parameters: _small_gradient(parameters.T, (i1, i2), (t1, t2)).T


def _small_gradient(weights: Array, inputs: Pair, targets: Pair) -> Array:
    passed = backprop.forward(weights, inputs, targets)
    return backprop.gradients(weights, inputs, targets, passed).weights
