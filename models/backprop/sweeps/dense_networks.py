"""Many fully connected networks of any depth: the equations of network.py in matrix form.

The loss of a sample is half the sum of its squared errors, or its cross-entropy -sum(t ln a) with a softmax at the
outputs; both are averaged over the samples.
"""

from dataclasses import dataclass

import numpy as np

from models.backprop.network import Array, sigmoid
from models.backprop.sweeps.optimizers import create_optimizer
from models.backprop.sweeps.task import Activation, Task, split


@dataclass(frozen=True)
class Evaluation:
    loss: Array  # (networks,)
    gradient: Array  # (networks, parameters)
    outputs: Array  # (networks, samples, units)


def evaluate(parameters: Array, task: Task) -> Evaluation:
    """Runs one forward and one backward pass for parameters (networks, parameters), real or complex."""
    layers = split(parameters, task)
    activations = [np.broadcast_to(task.inputs, (len(parameters), *task.inputs.shape))]  # (networks, samples, units)
    for layer, (weights, biases) in enumerate(layers, start=1):
        sums = activations[-1] @ weights.swapaxes(1, 2)
        sums = sums if biases is None else sums + biases[:, None]
        is_softmax = task.loss == "cross_entropy" and layer == len(layers)
        activations.append(_softmax(sums) if is_softmax else _activate(sums, task.activation))
    error = activations[-1] - task.targets
    if task.loss == "cross_entropy":
        loss = -(task.targets * _log_softmax(sums)).sum(axis=(1, 2)) / len(task.inputs)
    else:
        loss = (error**2).sum(axis=(1, 2)) / 2 / len(task.inputs)

    gradient = np.empty_like(parameters)
    by_activation = error / len(task.inputs)
    for layer in reversed(range(len(layers))):
        # dE/d(sum before the activation); of a softmax with cross-entropy it is the error itself
        is_softmax = task.loss == "cross_entropy" and layer == len(layers) - 1
        delta = by_activation if is_softmax else by_activation * _slope(activations[layer + 1], task.activation)
        weights_gradient, biases_gradient = split(gradient, task)[layer]
        weights_gradient[:] = delta.swapaxes(1, 2) @ activations[layer]
        if biases_gradient is not None:
            biases_gradient[:] = delta.sum(axis=1)
        by_activation = delta @ layers[layer][0]
    return Evaluation(loss, gradient, activations[-1])


class DenseNetworks:
    """Networks of any shape on the samples of a task (see descent.Networks)."""

    def __init__(self, task: Task, learning_rates: Array) -> None:
        self.learning_rates = np.array(learning_rates, np.float64)
        self._task = task
        self._parameters = np.repeat(task.start[None], len(learning_rates), axis=0)
        self._last = evaluate(self._parameters, task)
        self.optimizer, self._epoch = create_optimizer(task.rule, self._parameters), 0

    def evaluate(self, loss: Array, squared_norm: Array) -> None:
        self._last = evaluate(self._parameters, self._task)
        loss[:] = self._last.loss
        np.einsum("np,np->n", self._last.gradient, self._last.gradient, out=squared_norm)

    def step(self) -> None:
        self._epoch += 1
        rates, batches = self.learning_rates[:, None], self._task.batches(self._epoch)
        for batch in batches:
            gradient = self._last.gradient if batch is self._task else evaluate(self._parameters, batch).gradient
            self.optimizer.step(self._parameters, gradient, rates)

    def parameters(self) -> Array:
        return self._parameters.T.copy()

    def outputs(self) -> Array:
        return self._last.outputs


def _log_softmax(sums: Array) -> Array:
    shifted = sums - sums.real.max(axis=-1, keepdims=True)
    logarithms: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logarithms


def _softmax(sums: Array) -> Array:
    probabilities: Array = np.exp(_log_softmax(sums))
    return probabilities


def _activate(sums: Array, activation: Activation) -> Array:
    if activation == "sigmoid":
        return sigmoid(sums)
    activated: Array = np.tanh(sums) if activation == "tanh" else np.where(sums.real > 0, sums, 0)
    return activated


def _slope(activated: Array, activation: Activation) -> Array:
    """Returns the derivative of the activation, computed from its value."""
    slope: Array
    if activation == "sigmoid":
        slope = activated * (1 - activated)
    elif activation == "tanh":
        slope = 1 - activated**2
    else:
        slope = np.where(activated.real > 0, 1.0, 0.0)
    return slope
