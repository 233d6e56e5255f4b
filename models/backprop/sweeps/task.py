"""The task of a sweep: the layers, the samples and the initial weights of every network."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Literal

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.optimizers import Rule

Activation = Literal["sigmoid", "tanh", "relu"]
Loss = Literal["squared_error", "cross_entropy"]

PLAIN = Rule()


@dataclass(frozen=True)
class Task:
    """A fully connected network, its samples and its initial parameters.

    Every layer but the inputs has the activation; with the loss `cross_entropy` the outputs have softmax in its place.
    `start` holds, layer by layer, the weight matrix (units, inputs) row
    by row and then the biases, if any: for the 2-2-2 network w1 to w8.
    """

    layers: tuple[int, ...]
    activation: Activation
    has_biases: bool
    inputs: Array  # (samples, layers[0])
    targets: Array  # (samples, layers[-1])
    start: Array  # (parameters,)
    loss: Loss = "squared_error"
    rule: Rule = PLAIN
    batch_size: int | None = None  # samples of a step; None: all of them
    seed: int = 0  # of the order of the samples, where a step takes some of them

    @property
    def is_222(self) -> bool:
        """Whether this is the network of network.py on one sample, which Networks222 trains faster."""
        is_plain = self.loss == "squared_error" and self.rule.name == "gradient_descent"
        is_sigmoid = self.layers == (2, 2, 2) and self.activation == "sigmoid" and not self.has_biases
        return is_sigmoid and is_plain and len(self.inputs) == 1

    @property
    def steps_per_epoch(self) -> int:
        return 1 if self.batch_size is None else -(-len(self.inputs) // self.batch_size)

    def batches(self, epoch: int) -> "list[Task]":
        """The tasks of an epoch's steps: this one with some of its samples, each in one of them. Epochs count from 1.

        The order depends on the seed and the epoch alone.
        """
        if self.batch_size is None or self.steps_per_epoch == 1:
            return [self]
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.inputs))
        parts = (order[at : at + self.batch_size] for at in range(0, len(order), self.batch_size))
        return [replace(self, inputs=self.inputs[part], targets=self.targets[part]) for part in parts]


def count_parameters(layers: tuple[int, ...], *, has_biases: bool) -> int:
    return sum(units * (before + has_biases) for before, units in pairwise(layers))


def split(parameters: Array, task: Task) -> list[tuple[Array, Array | None]]:
    """Returns views of each layer's weights (networks, units, inputs) and biases (networks, units).

    `parameters` is (networks, parameters).
    """
    layers, at = [], 0
    for shape in zip(task.layers[1:], task.layers, strict=False):
        weights = parameters[:, at : at + prod(shape)].reshape(len(parameters), *shape)
        at += prod(shape)
        biases = parameters[:, at : at + shape[0]] if task.has_biases else None
        at += shape[0] if task.has_biases else 0
        layers.append((weights, biases))
    return layers


def draw_weights(layers: tuple[int, ...], *, seed: int) -> list[list[list[float]]]:
    """Returns a matrix per layer, uniform within +-sqrt(6 / (inputs + units)) (Glorot and Bengio, 2010)."""
    random = np.random.default_rng(seed)
    shapes = list(zip(layers[1:], layers, strict=False))
    bounds = [(6 / sum(shape)) ** 0.5 for shape in shapes]
    return [random.uniform(-bound, bound, shape).tolist() for bound, shape in zip(bounds, shapes, strict=True)]
