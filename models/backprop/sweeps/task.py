"""The task of a sweep: the layers, the samples and the initial weights of every network."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Literal

import numpy as np

from models.backprop.network import Array

Activation = Literal["sigmoid", "tanh", "relu"]


@dataclass(frozen=True)
class Task:
    """A fully connected network, its samples and its initial parameters.

    Every layer but the inputs has the activation. `start` holds, layer by layer, the weight matrix (units, inputs) row
    by row and then the biases, if any: for the 2-2-2 network w1 to w8.
    """

    layers: tuple[int, ...]
    activation: Activation
    has_biases: bool
    inputs: Array  # (samples, layers[0])
    targets: Array  # (samples, layers[-1])
    start: Array  # (parameters,)

    @property
    def is_222(self) -> bool:
        """Whether this is the network of network.py on one sample, which Networks222 trains faster."""
        one_sample = len(self.inputs) == 1
        return self.layers == (2, 2, 2) and self.activation == "sigmoid" and not self.has_biases and one_sample


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
