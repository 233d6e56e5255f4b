"""The 2-2-2 sigmoid network of the textbooks, its gradients by hand, and gradient descent at many learning rates.

        h1 = w1 i1 + w2 i2      a_h1 = sigmoid(h1)      o1 = w5 a_h1 + w6 a_h2      a_o1 = sigmoid(o1)
        h2 = w3 i1 + w4 i2      a_h2 = sigmoid(h2)      o2 = w7 a_h1 + w8 a_h2      a_o2 = sigmoid(o2)

        E1 = (t1 - a_o1)^2 / 2      E2 = (t2 - a_o2)^2 / 2      E_total = E1 + E2

No biases. Every quantity may be an array: one network per learning rate, all of them trained at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Forward:
    """Every quantity of one forward pass."""

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


def forward(weights: Array, inputs: Sequence[float], targets: Sequence[float]) -> Forward:
    """The forward pass for weights (8,) or (8, networks)."""
    w1, w2, w3, w4, w5, w6, w7, w8 = weights
    (i1, i2), (t1, t2) = inputs, targets
    h1 = w1 * i1 + w2 * i2
    h2 = w3 * i1 + w4 * i2
    a_h1, a_h2 = sigmoid(h1), sigmoid(h2)
    o1 = w5 * a_h1 + w6 * a_h2
    o2 = w7 * a_h1 + w8 * a_h2
    a_o1, a_o2 = sigmoid(o1), sigmoid(o2)
    E1, E2 = 0.5 * (t1 - a_o1) ** 2, 0.5 * (t2 - a_o2) ** 2
    return Forward(h1, h2, a_h1, a_h2, o1, o2, a_o1, a_o2, E1, E2, E1 + E2)


def gradients(weights: Array, inputs: Sequence[float], targets: Sequence[float], f: Forward) -> Array:
    """dE_total/dw1 to dE_total/dw8, in the shape of `weights`, by the chain rule."""
    w5, w6, w7, w8 = weights[4:]
    (i1, i2), (t1, t2) = inputs, targets
    delta_o1 = (f.a_o1 - t1) * f.a_o1 * (1 - f.a_o1)  # dE/do1
    delta_o2 = (f.a_o2 - t2) * f.a_o2 * (1 - f.a_o2)  # dE/do2
    dE_da_h1 = delta_o1 * w5 + delta_o2 * w7
    dE_da_h2 = delta_o1 * w6 + delta_o2 * w8
    delta_h1 = dE_da_h1 * f.a_h1 * (1 - f.a_h1)  # dE/dh1
    delta_h2 = dE_da_h2 * f.a_h2 * (1 - f.a_h2)  # dE/dh2
    return np.stack(
        [
            delta_h1 * i1,
            delta_h1 * i2,
            delta_h2 * i1,
            delta_h2 * i2,
            delta_o1 * f.a_h1,
            delta_o1 * f.a_h2,
            delta_o2 * f.a_h1,
            delta_o2 * f.a_h2,
        ]
    )


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), without overflow however large x is."""
    result: Array = 0.5 * (1 + np.tanh(0.5 * x))
    return result


@dataclass(frozen=True)
class Sweep:
    """The outcome of a sweep: losses (epochs + 1, rates) from before training on, and the networks at the end."""

    losses: Array
    weights: Array  # (8, rates)
    outputs: Array  # (2, rates)


def sweep(
    *,
    inputs: Sequence[float],
    targets: Sequence[float],
    weights: Sequence[float],
    learning_rates: Sequence[float],
    epochs: int,
    after_epoch: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Train one network per learning rate from the same weights. An epoch is one step, all weights at once."""
    rates = np.asarray(learning_rates, np.float64)
    w = np.repeat(np.asarray(weights, np.float64)[:, None], len(rates), axis=1)  # (8, rates)
    losses = np.empty((epochs + 1, len(rates)))
    f = forward(w, inputs, targets)
    losses[0] = f.E_total
    for epoch in range(1, epochs + 1):
        w = w - rates * gradients(w, inputs, targets, f)
        f = forward(w, inputs, targets)
        losses[epoch] = f.E_total
        after_epoch(epoch)
    return Sweep(losses, w, np.stack([f.a_o1, f.a_o2]))


def outcome(loss: Array) -> str:
    """What one loss curve did: `converged`, `diverged`, `oscillating` or `descending`."""
    if loss[-1] < 1e-6:
        return "converged"
    if loss[-1] >= loss[0]:
        return "diverged"
    return "oscillating" if (np.diff(loss) > 0).any() else "descending"
