"""The state of one training of a sweep at the beginning of an epoch, by taking its steps again."""

from typing import NamedTuple

import numpy as np

from models.backprop.network import Array
from models.backprop.sweeps.dense_networks import DenseNetworks
from models.backprop.sweeps.descent import EarlyStopping, descend
from models.backprop.sweeps.optimizers import Optimizer
from models.backprop.sweeps.sweep import create_networks, window_size
from models.backprop.sweeps.task import Task

# Within both bounds, the steps take at most two seconds of a quiet core.
MAX_MULTIPLICATIONS = 100_000_000
MAX_STEPS = 20_000


class Replayed(NamedTuple):
    parameters: Array
    optimizer: Optimizer | None  # what it remembers; None where it remembers nothing
    stopped_at: int | None  # the epoch after which the training stopped early, if it did


def is_affordable(task: Task, epochs: int) -> bool:
    return (
        epochs * task.steps_per_epoch <= MAX_STEPS
        and epochs * len(task.start) * len(task.inputs) <= MAX_MULTIPLICATIONS
    )


def replay(task: Task, learning_rate: float, *, epochs: int, early_stopping: EarlyStopping | None = None) -> Replayed:
    """Trains for so many epochs, as the sweep did."""
    networks = create_networks(task, np.array([learning_rate]))
    last_epochs = descend(
        networks,
        epochs=epochs,
        window=window_size(task, 1),
        on_window=lambda *_: None,
        early_stopping=early_stopping,
    )
    optimizer = networks.optimizer if isinstance(networks, DenseNetworks) else None
    stopped_at = None if networks.learning_rates.all() else int(last_epochs[0])
    return Replayed(networks.parameters()[:, 0], optimizer, stopped_at)
