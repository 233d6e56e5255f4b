"""What a learning rate did, in one word.

The first rule that holds decides:

- `diverged`: the loss overflowed.
- `converged`: the loss at the end is below 1e-6, or below the target loss where the sweep stops at one.
- `stalled`: the gradient's norm at the end is below 1e-5 although the loss is not: saturated
  sigmoids, dead units, or a minimum that is not zero.
- `diverged`: the loss ends above where it began.
- `oscillating`: the loss rose in some epoch, but ends no higher than it began.
- `descending`: it never rose, and is still on its way.

A rise below 1e-14 of the first loss is rounding and does not count.
"""

from typing import Literal

import numpy as np

from models.backprop.network import Array

CONVERGED_LOSS = 1e-6
VANISHED_GRADIENT = 1e-5  # an unsaturated sigmoid still has 20 times as much at a loss of 1e-6

Outcome = Literal["converged", "descending", "oscillating", "stalled", "diverged"]


def outcome(
    first_loss: float, last_loss: float, gradient_norm: float, *, has_risen: bool, converged_loss: float
) -> Outcome:
    """The word for one trial, by the rules above."""
    if not np.isfinite(last_loss):
        return "diverged"
    if last_loss < converged_loss:
        return "converged"
    if gradient_norm < VANISHED_GRADIENT:
        return "stalled"
    if last_loss > first_loss:
        return "diverged"
    return "oscillating" if has_risen else "descending"


def fastest(reached: Array, last_losses: Array) -> int | None:
    """The trial that was first below a threshold, the last of (thresholds, trials) that any trial reached."""
    for epochs in reversed(reached):
        if (epochs >= 0).any():
            order = np.lexsort((last_losses, np.where(epochs >= 0, epochs, np.iinfo(epochs.dtype).max)))
            return int(order[0])
    return None
