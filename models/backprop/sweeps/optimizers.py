"""The rules by which a step changes the parameters, for many networks at once: (networks, parameters).

    gradient_descent    w <- w - rate g
    momentum            v <- momentum v + g                                      w <- w - rate v       (Polyak, 1964)
    adam                m <- beta1 m + (1 - beta1) g,  m^ = m / (1 - beta1^t)
                        s <- beta2 s + (1 - beta2) g^2, s^ = s / (1 - beta2^t)
                        w <- w - rate m^ / (sqrt(s^) + epsilon)                    (Kingma and Ba, 2015)

They are those of torch.optim.SGD and torch.optim.Adam.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from models.backprop.network import Array

OptimizerName = Literal["gradient_descent", "momentum", "adam"]


@dataclass(frozen=True)
class Rule:
    """Which rule, and its constants."""

    name: OptimizerName = "gradient_descent"
    momentum: float = 0.9
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


class Optimizer(Protocol):
    def step(self, parameters: Array, gradient: Array, rates: Array) -> None:
        """Change the parameters in place; `rates` (networks, 1)."""


class GradientDescent:
    def step(self, parameters: Array, gradient: Array, rates: Array) -> None:
        parameters -= rates * gradient


@dataclass
class Momentum:
    momentum: float
    velocity: Array

    def step(self, parameters: Array, gradient: Array, rates: Array) -> None:
        self.velocity *= self.momentum
        self.velocity += gradient
        parameters -= rates * self.velocity


@dataclass
class Adam:
    rule: Rule
    mean: Array  # of the gradients
    square: Array  # mean of their squares
    steps: int = field(default=0)

    def step(self, parameters: Array, gradient: Array, rates: Array) -> None:
        beta1, beta2 = self.rule.beta1, self.rule.beta2
        self.steps += 1
        self.mean += (1 - beta1) * (gradient - self.mean)
        self.square += (1 - beta2) * (gradient**2 - self.square)
        mean = self.mean / (1 - beta1**self.steps)
        square = self.square / (1 - beta2**self.steps)
        parameters -= rates * mean / (np.sqrt(square) + self.rule.epsilon)


def create_optimizer(rule: Rule, like: Array) -> Optimizer:
    """An optimizer before its first step, for parameters of this shape."""
    if rule.name == "momentum":
        return Momentum(rule.momentum, np.zeros_like(like))
    if rule.name == "adam":
        return Adam(rule, np.zeros_like(like), np.zeros_like(like))
    return GradientDescent()
