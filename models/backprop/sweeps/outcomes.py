"""The outcome of a trial. The first rule that holds decides:

- `diverged`: the loss overflowed.
- `converged`: the last loss is below 1e-6, or below the target loss at which the sweep stops.
- `stalled`: the last gradient norm is below 1e-5: saturated sigmoids, dead units, or a minimum that is not zero.
- `diverged`: the last loss is above the first.
- `oscillating`: the loss rose in some epoch (by more than 1e-14 of the first loss).
- `descending`: the loss never rose.
"""

from typing import Literal

import numpy as np

from models.backprop.network import Array

CONVERGED_LOSS = 1e-6
VANISHED_GRADIENT_NORM = 1e-5  # unsaturated sigmoids still have 20 times as much at a loss of 1e-6

Outcome = Literal["converged", "descending", "oscillating", "stalled", "diverged"]


def classify(
    first_loss: float, last_loss: float, gradient_norm: float, *, has_risen: bool, converged_loss: float
) -> Outcome:
    if not np.isfinite(last_loss):
        return "diverged"
    if last_loss < converged_loss:
        return "converged"
    if gradient_norm < VANISHED_GRADIENT_NORM:
        return "stalled"
    if last_loss > first_loss:
        return "diverged"
    return "oscillating" if has_risen else "descending"


def find_fastest(reached: Array, last_losses: Array) -> int | None:
    """Returns the trial that was first below the last of the thresholds that any trial reached.

    `reached` holds epochs: (thresholds, trials), -1 for never.
    """
    for epochs in reversed(reached):
        if (epochs >= 0).any():
            order = np.lexsort((last_losses, np.where(epochs >= 0, epochs, np.iinfo(epochs.dtype).max)))
            return int(order[0])
    return None
