"""The loss landscape around a network's weights: the exact Hessian and its sharpness."""

from collections.abc import Callable

import numpy as np

from models.backprop import network
from models.backprop.network import Array, Pair
from models.backprop.sweeps.dense_networks import evaluate
from models.backprop.sweeps.task import Task

MAX_PARAMETERS = 64  # above this, the Hessians of all trials would take longer than the sweep
MAX_ACTIVATIONS = 250_000_000  # of all gradients of all trials together: they take some 25 seconds
MAX_WORKING_BYTES = 64 * 2**20  # of the arrays that one chunk of gradients needs, however large the task is
_HESSIAN_BYTES = 8 * 2**20  # of the Hessians that are held at once
_COMPLEX_BYTES = 16
_STEP = 1e-30


def is_affordable(task: Task, networks: int) -> bool:
    """Whether the sharpness of so many networks takes half a minute at most."""
    size = len(task.start)
    activations = networks * size * len(task.inputs) * sum(task.layers[1:])
    return size <= MAX_PARAMETERS and activations <= MAX_ACTIVATIONS


def sharpness(parameters: Array, task: Task, *, on_progress: Callable[[], None] = lambda: None) -> Array:
    """Returns the largest eigenvalue of the Hessian at each row of (networks, parameters), NaN after an overflow.

    Gradient descent on a quadratic loss converges only at learning rates below 2 / sharpness. Calls `on_progress`
    after every chunk of gradients.
    """
    found = np.full(len(parameters), np.nan)
    size = max(1, _HESSIAN_BYTES // (8 * parameters.shape[1] ** 2))
    for at in range(0, len(parameters), size):
        matrices = hessian(parameters[at : at + size], task, on_progress=on_progress)
        is_finite = np.isfinite(matrices).all(axis=(1, 2))
        found[at : at + size][is_finite] = np.linalg.eigvalsh(matrices[is_finite])[:, -1]
    return found


def hessian(parameters: Array, task: Task, *, on_progress: Callable[[], None] = lambda: None) -> Array:
    """Returns the second derivatives at each row of (networks, parameters): (networks, parameters, parameters).

    Column k is the imaginary part of gradient(w + i s e_k) / s, the complex-step derivative. It subtracts nothing,
    so with s = 1e-30 it is exact to rounding (Squire and Trapp, 1998).
    """
    networks, size = parameters.shape
    columns = np.empty((networks * size, size))
    gradient, chunk = _gradient(task), _columns_per_chunk(task)
    with np.errstate(all="ignore"):
        for at in range(0, len(columns), chunk):
            column = np.arange(at, min(at + chunk, len(columns)))
            moved = parameters[column // size].astype(complex)  # (columns, parameters)
            moved[np.arange(len(column)), column % size] += 1j * _STEP
            columns[column] = gradient(moved).imag / _STEP
            on_progress()
    columns = columns.reshape(networks, size, size)
    symmetric: Array = (columns + columns.swapaxes(1, 2)) / 2
    return symmetric


def _columns_per_chunk(task: Task) -> int:
    """Returns the number of gradients whose arrays take at most MAX_WORKING_BYTES; at least 1.

    `evaluate` holds the activations of all layers, and at most six more arrays of the size of one layer.
    """
    numbers = 3 * len(task.start) + len(task.inputs) * (sum(task.layers) + 6 * max(task.layers))
    return max(1, MAX_WORKING_BYTES // (_COMPLEX_BYTES * numbers))


def _gradient(task: Task) -> Callable[[Array], Array]:
    if not task.is_222:
        return lambda parameters: evaluate(parameters, task).gradient
    (i1, i2), (t1, t2) = task.inputs[0].tolist(), task.targets[0].tolist()
    return lambda parameters: _gradient_222(parameters.T, (i1, i2), (t1, t2)).T


def _gradient_222(weights: Array, inputs: Pair, targets: Pair) -> Array:
    passed = network.forward(weights, inputs, targets)
    return network.gradients(weights, inputs, targets, passed).weights
