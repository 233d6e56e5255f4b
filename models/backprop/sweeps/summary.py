"""The result of a sweep as JSON data: NaN and infinite numbers become None."""

from typing import Any

import numpy as np

from models.backprop.network import WEIGHT_NAMES, Array
from models.backprop.sweeps.downsampling import points_per_curve, select_points
from models.backprop.sweeps.landscape import MAX_PARAMETERS, sharpness
from models.backprop.sweeps.outcomes import CONVERGED_LOSS, Outcome, classify, find_fastest
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
    result: SweepResult, task: Task, *, names: list[str], is_named: bool, converged_loss: float, max_points: int
) -> dict[str, Any]:
    """Returns the trials with downsampled curves, and the best and the fastest learning rate.

    `names` are those of the thresholds; `is_named` says whether the weights are called w1 to w8.
    """
    outcomes = classify_trials(result, slice(None), converged_loss=converged_loss)
    at_start, at_end = _sharpness(task, result)
    max_points = points_per_curve(len(outcomes), max_points=max_points)
    trials = [
        {"learning_rate": float(result.learning_rates[trial])}
        | _curves(result, trial, max_points)
        | _network(result, trial, task, is_named=is_named)
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
    return {
        "trials": trials,
        "best": float(result.learning_rates[best]),
        "fastest": None if fastest is None else float(result.learning_rates[fastest]),
    }


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


def _network(result: SweepResult, trial: int, task: Task, *, is_named: bool) -> dict[str, Any]:
    outputs = _to_lists(result.outputs[trial])
    final: dict[str, Any] = {"final_outputs": outputs if len(outputs) > 1 else outputs[0]}
    if is_named:
        return {"final_weights": dict(zip(WEIGHT_NAMES, _to_lists(result.parameters[trial]), strict=True))} | final
    layers = split(result.parameters[trial : trial + 1], task)
    final["final_weights"] = [_to_lists(weights[0]) for weights, _ in layers]
    if task.has_biases:
        final["final_biases"] = [_to_lists(biases[0]) for _, biases in layers if biases is not None]
    return final


def _sharpness(task: Task, result: SweepResult) -> tuple[float, Array]:
    if len(task.start) > MAX_PARAMETERS:
        return np.nan, np.full(len(result.learning_rates), np.nan)
    return sharpness(task.start[None], task)[0], sharpness(result.parameters, task)


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
