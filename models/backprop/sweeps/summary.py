"""The result of a sweep as JSON data: NaN and infinite numbers become None."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from models.backprop.network import WEIGHT_NAMES, Array
from models.backprop.sweeps.downsampling import select_points
from models.backprop.sweeps.landscape import is_affordable, sharpness
from models.backprop.sweeps.outcomes import CONVERGED_LOSS, Outcome, classify, find_fastest
from models.backprop.sweeps.result_size import ResultSize
from models.backprop.sweeps.sweep import SweepResult
from models.backprop.sweeps.task import Task, split

THRESHOLDS = {"1e-3": 1e-3, "1e-6": CONVERGED_LOSS}


def named_thresholds(target_loss: float | None) -> dict[str, float]:
    """Returns the losses of `epochs_to` by their names there."""
    return THRESHOLDS | ({} if target_loss is None else {"target_loss": target_loss})


def classify_trials(result: SweepResult, rates: slice, *, converged_loss: float) -> list[Outcome]:
    return [
        classify(
            result.first_losses[trial],
            result.last_losses[trial],
            result.gradient_norms[trial, result.last_epochs[trial]],
            has_risen=result.has_risen[trial],
            converged_loss=converged_loss,
        )
        for trial in range(len(result.learning_rates))[rates]
    ]


def summarise(
    result: SweepResult,
    task: Task,
    *,
    names: list[str],
    is_named: bool,
    is_drawn: bool = False,
    converged_loss: float,
    size: ResultSize,
    kept_epochs: Sequence[int] = (),
    on_progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Returns the trials with downsampled curves, and the best and the fastest learning rate.

    `names` are those of the thresholds; `is_named` says whether the weights are called w1 to w8. What would make the
    document too large is None in every trial, and `left_out` names it. `kept_epochs` are the epochs of each trial's
    `weights`. Where the weights were drawn (`is_drawn`), the summary has those before training.
    """
    outcomes = classify_trials(result, slice(None), converged_loss=converged_loss)
    left_out = size.left_out
    at_start, at_end = _sharpness(task, result, on_progress)
    trials = [
        {"learning_rate": float(result.learning_rates[trial])}
        | _curves(result, trial, size.points)
        | _network(result, trial, task, is_named=is_named, left_out=left_out)
        | ({"weights": _to_lists(result.paths[trial])} if kept_epochs else {})
        | {
            "outcome": outcome,
            "epochs": int(result.last_epochs[trial]),
            "epochs_to": _epochs_to(result.reached[:, trial], names),
            "sharpness": {"start": finite_or_none(at_start), "end": finite_or_none(at_end[trial])},
            "stability_limit": {"start": _stability_limit(at_start), "end": _stability_limit(at_end[trial])},
        }
        for trial, outcome in enumerate(outcomes)
    ]
    fastest = find_fastest(result.reached, result.last_losses)
    best = np.where(np.isfinite(result.last_losses), result.last_losses, np.inf).argmin()
    summary: dict[str, Any] = {
        "trials": trials,
        "truncated": bool(left_out),
        "left_out": left_out,
        "best": float(result.learning_rates[best]),
        "fastest": None if fastest is None else float(result.learning_rates[fastest]),
        "notes": describe_targets(task),
    }
    if is_drawn:
        summary |= _parameters(task.start, task, "initial", is_named=is_named)
    return summary | ({"weight_epochs": list(kept_epochs)} if kept_epochs else {})


def finite_or_none(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _curves(result: SweepResult, trial: int, max_points: int) -> dict[str, Any]:
    loss = result.losses[trial, : result.last_epochs[trial] + 1]
    kept = select_points(loss, max_points=max_points)
    curves = {"loss": _to_lists(loss[kept]) if loss.dtype == np.float64 else _seven_digits(loss[kept])}
    if len(kept) < len(loss):
        curves["loss_epochs"] = kept.tolist()
    return curves | {"gradient_norms": _seven_digits(result.gradient_norms[trial, kept])}


def _seven_digits(numbers: Array) -> list[float | None]:
    """Rounds float32 numbers to the seven digits that they have."""
    return [finite_or_none(float(f"{number:.7g}")) for number in numbers]


def _network(
    result: SweepResult, trial: int, task: Task, *, is_named: bool, left_out: Collection[str]
) -> dict[str, Any]:
    network: dict[str, Any] = {"final_weights": None, "final_outputs": None}
    if "final_weights" not in left_out:
        network |= _parameters(result.parameters[trial], task, "final", is_named=is_named)
    if "final_outputs" not in left_out:
        outputs = _to_lists(result.outputs[trial])
        network["final_outputs"] = outputs if len(outputs) > 1 else outputs[0]
    return network


def _parameters(parameters: Array, task: Task, when: str, *, is_named: bool) -> dict[str, Any]:
    layers = split(parameters[None], task)
    found: dict[str, Any] = {f"{when}_weights": [_to_lists(weights[0]) for weights, _ in layers]}
    if is_named:
        flat = np.concatenate([weights[0].ravel() for weights, _ in layers])
        found[f"{when}_weights"] = dict(zip(WEIGHT_NAMES, _to_lists(flat), strict=True))
    if task.has_biases:
        found[f"{when}_biases"] = [_to_lists(biases[0]) for _, biases in layers if biases is not None]
    return found


def describe_targets(task: Task) -> list[str]:
    """What is to be known of targets that the outputs come near to but never have."""
    if task.loss == "cross_entropy":
        if not np.isin(task.targets, (0, 1)).any():
            return []
        return [
            "A target of 0 or 1 is approached, not reached: a softmax has it only at infinite sums, so the loss keeps "
            "falling and the weights keep growing."
        ]
    bounds = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(task.activation)
    if bounds is None or not np.isin(task.targets, bounds).any():
        return []
    low, high = bounds
    return [
        f"A target of {low} or {high} is approached, not reached: {task.activation} has it only at an infinite sum, so "
        "the loss keeps falling and the weights keep growing."
    ]


def _sharpness(task: Task, result: SweepResult, on_progress: Callable[[], None]) -> tuple[float, Array]:
    if not is_affordable(task, len(result.learning_rates)):
        return np.nan, np.full(len(result.learning_rates), np.nan)
    at_end = sharpness(result.parameters, task, on_progress=on_progress)
    return sharpness(task.start[None], task, on_progress=on_progress)[0], at_end


def _stability_limit(sharpness: float) -> float | None:
    """Returns the learning rate at which descent on a quadratic of this sharpness stops converging."""
    return finite_or_none(2 / sharpness) if sharpness > 0 else None


def _epochs_to(reached: Array, names: list[str]) -> dict[str, int | None]:
    return {name: None if epoch < 0 else int(epoch) for name, epoch in zip(names, reached, strict=True)}


def _to_lists(array: Array) -> Any:
    """Returns nested lists with None for numbers that are not finite."""
    if np.isfinite(array).all():
        return array.tolist()
    lists = array.astype(object)
    lists[~np.isfinite(array)] = None
    return lists.tolist()
