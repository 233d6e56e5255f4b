"""Tasks that the tests of sweeps train."""

import numpy as np

from models.backprop.sweeps.task import Activation, Task, count_parameters

WORKBOOK = Task(
    layers=(2, 2, 2),
    activation="sigmoid",
    has_biases=False,
    inputs=np.array([[0.05, 0.10]]),
    targets=np.array([[0.5, 0.5]]),
    start=np.array([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]),
)


def random_task(
    layers: tuple[int, ...],
    *,
    activation: Activation = "sigmoid",
    has_biases: bool = False,
    samples: int = 1,
    seed: int = 0,
) -> Task:
    random = np.random.default_rng(seed)
    return Task(
        layers,
        activation,
        has_biases,
        inputs=random.uniform(-1, 1, (samples, layers[0])),
        targets=random.uniform(0.1, 0.9, (samples, layers[-1])),
        start=random.uniform(-1, 1, count_parameters(layers, has_biases=has_biases)),
    )
