"""The 2-2-2 sigmoid network of the textbooks and its gradients, derived by hand.

        h1 = w1 i1 + w2 i2      a_h1 = sigmoid(h1)      o1 = w5 a_h1 + w6 a_h2      a_o1 = sigmoid(o1)
        h2 = w3 i1 + w4 i2      a_h2 = sigmoid(h2)      o2 = w7 a_h1 + w8 a_h2      a_o2 = sigmoid(o2)

        E1 = (t1 - a_o1)^2 / 2        E2 = (t2 - a_o2)^2 / 2        E_total = E1 + E2

There are no biases. A weight may be an array with one entry per network, so that one call computes all learning rates
of a sweep. It may also be complex, which gives exact second derivatives (see sweeps/landscape.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float64, unless said otherwise

Pair = tuple[float, float]

WEIGHT_NAMES = tuple(f"w{number}" for number in range(1, 9))


@dataclass(frozen=True)
class Forward:
    """The quantities of one forward pass."""

    h1: Array
    h2: Array
    a_h1: Array
    a_h2: Array
    o1: Array
    o2: Array
    a_o1: Array
    a_o2: Array
    E1: Array
    E2: Array
    E_total: Array


@dataclass(frozen=True)
class Gradients:
    """The partial derivatives of E_total by the weights and by the hidden activations."""

    weights: Array  # w1 to w8, in the shape of the weights
    a_h1: Array
    a_h2: Array


def forward(weights: Array, inputs: Pair, targets: Pair) -> Forward:
    """Runs the forward pass for weights (8,) or (8, networks)."""
    w1, w2, w3, w4, w5, w6, w7, w8 = weights
    (i1, i2), (t1, t2) = inputs, targets
    h1 = w1 * i1 + w2 * i2
    h2 = w3 * i1 + w4 * i2
    a_h1, a_h2 = sigmoid(h1), sigmoid(h2)
    o1 = w5 * a_h1 + w6 * a_h2
    o2 = w7 * a_h1 + w8 * a_h2
    a_o1, a_o2 = sigmoid(o1), sigmoid(o2)
    E1 = (t1 - a_o1) ** 2 / 2
    E2 = (t2 - a_o2) ** 2 / 2
    return Forward(h1, h2, a_h1, a_h2, o1, o2, a_o1, a_o2, E1, E2, E1 + E2)


def gradients(weights: Array, inputs: Pair, targets: Pair, f: Forward) -> Gradients:
    """Applies the chain rule from the outputs back to the inputs."""
    w5, w6, w7, w8 = weights[4:]
    (i1, i2), (t1, t2) = inputs, targets

    dE_do1 = (f.a_o1 - t1) * f.a_o1 * (1 - f.a_o1)  # dE/da_o1 da_o1/do1
    dE_do2 = (f.a_o2 - t2) * f.a_o2 * (1 - f.a_o2)
    dE_dw5, dE_dw6 = dE_do1 * f.a_h1, dE_do1 * f.a_h2
    dE_dw7, dE_dw8 = dE_do2 * f.a_h1, dE_do2 * f.a_h2

    dE_da_h1 = dE_do1 * w5 + dE_do2 * w7  # both outputs depend on a_h1
    dE_da_h2 = dE_do1 * w6 + dE_do2 * w8

    dE_dh1 = dE_da_h1 * f.a_h1 * (1 - f.a_h1)
    dE_dh2 = dE_da_h2 * f.a_h2 * (1 - f.a_h2)
    dE_dw1, dE_dw2 = dE_dh1 * i1, dE_dh1 * i2
    dE_dw3, dE_dw4 = dE_dh2 * i1, dE_dh2 * i2

    by_weight = np.stack([dE_dw1, dE_dw2, dE_dw3, dE_dw4, dE_dw5, dE_dw6, dE_dw7, dE_dw8])
    return Gradients(by_weight, dE_da_h1, dE_da_h2)


def update(weights: Array, learning_rate: Array | float, gradient: Array) -> Array:
    """Returns the weights after one step of gradient descent."""
    updated: Array = weights - learning_rate * gradient
    return updated


def sigmoid(x: Array) -> Array:
    """Returns 1 / (1 + e^-x), which is 0 where e^-x overflows."""
    if np.iscomplexobj(x):  # a complex overflow would give NaN instead of 0
        x = np.maximum(x.real, -700) + 1j * x.imag
    with np.errstate(over="ignore"):
        result: Array = 1 / (1 + np.exp(-x))
    return result
