"""The state of one training of a sweep at the beginning of an epoch, by taking its steps again."""

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.dense_networks import DenseNetworks
from models.backprop.sweeps.optimizers import Optimizer
from models.backprop.sweeps.sweep import create_networks
from models.backprop.sweeps.task import Task

MAX_MULTIPLICATIONS = 100_000_000  # about a second
MAX_STEPS = 20_000


def is_affordable(task: Task, epochs: int) -> bool:
    steps = epochs * len(task.batches(1))
    return steps <= MAX_STEPS and epochs * len(task.start) * len(task.inputs) <= MAX_MULTIPLICATIONS


def replay(task: Task, learning_rate: float, *, epochs: int) -> tuple[Array, Optimizer | None]:
    """Returns the parameters after so many epochs, as the sweep had them, and what the optimizer remembers."""
    networks = create_networks(task, np.array([learning_rate]))
    loss, norm = np.empty((2, 1))
    with np.errstate(all="ignore"):
        for _ in range(epochs):
            networks.evaluate(loss, norm)
            networks.step()
    optimizer = networks.optimizer if isinstance(networks, DenseNetworks) else None
    return networks.parameters()[:, 0], optimizer
