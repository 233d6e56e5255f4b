"""A sweep as plain data: what the result of its job says. Nothing in it is NaN or infinite; such a number is None."""

from typing import Any

import numpy as np

from models.backprop.network import WEIGHT_NAMES, Array
from models.backprop.sweeps.landscape import MOST_PARAMETERS, sharpness
from models.backprop.sweeps.networks import Task, split
from models.backprop.sweeps.outcomes import CONVERGED_LOSS, Outcome, fastest, outcome
from models.backprop.sweeps.sweeping import Sweep
from models.backprop.sweeps.thinning import kept_points, points_per_curve

THRESHOLDS = {"1e-3": 1e-3, "1e-6": CONVERGED_LOSS}


def thresholds(marked_loss: float | None) -> dict[str, float]:
    """The losses whose first epoch is noted, by the names that `epochs_to` gives them."""
    return THRESHOLDS | ({} if marked_loss is None else {"target_loss": marked_loss})


def outcomes(swept: Sweep, rates: slice, *, converged_loss: float) -> list[Outcome]:
    """The word for each trial of `rates`."""
    return [
        outcome(
            swept.first_losses[trial],
            swept.last_losses[trial],
            swept.gradient_norms[trial, swept.last_epochs[trial]],
            has_risen=swept.has_risen[trial],
            converged_loss=converged_loss,
        )
        for trial in range(len(swept.learning_rates))[rates]
    ]


def summarise(
    swept: Sweep, task: Task, *, names: list[str], is_named: bool, converged_loss: float, max_points: int
) -> dict[str, Any]:
    """Trials with their thinned curves, the best and the fastest learning rate. `names` are those of the thresholds."""
    words = outcomes(swept, slice(None), converged_loss=converged_loss)
    at_start, at_end = _sharpness(task, swept)
    most = points_per_curve(len(words), max_points=max_points)
    trials = [
        {"learning_rate": float(swept.learning_rates[trial])}
        | _curves(swept, trial, most)
        | _network(swept, trial, task, is_named=is_named)
        | {
            "outcome": word,
            "epochs": int(swept.last_epochs[trial]),
            "epochs_to": _epochs_to(swept.reached[:, trial], names),
            "sharpness": {"start": finite(at_start), "end": finite(at_end[trial])},
            "stability_limit": {"start": _limit(at_start), "end": _limit(at_end[trial])},
        }
        for trial, word in enumerate(words)
    ]
    quickest = fastest(swept.reached, swept.last_losses)
    best = np.where(np.isfinite(swept.last_losses), swept.last_losses, np.inf).argmin()
    return {
        "trials": trials,
        "best": float(swept.learning_rates[best]),
        "fastest": None if quickest is None else float(swept.learning_rates[quickest]),
    }


def finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _curves(swept: Sweep, trial: int, max_points: int) -> dict[str, Any]:
    loss = swept.losses[trial, : swept.last_epochs[trial] + 1]
    kept = kept_points(loss, max_points=max_points)
    curves = {"loss": _plain(loss[kept]) if loss.dtype == np.float64 else _seven_digits(loss[kept])}
    if len(kept) < len(loss):
        curves["loss_epochs"] = kept.tolist()
    return curves | {"gradient_norms": _seven_digits(swept.gradient_norms[trial, kept])}


def _seven_digits(numbers: Array) -> list[float | None]:
    """Numbers of float32 as JSON: it has no more digits than that."""
    return [finite(float(f"{number:.7g}")) for number in numbers]


def _network(swept: Sweep, trial: int, task: Task, *, is_named: bool) -> dict[str, Any]:
    outputs = _plain(swept.outputs[trial])
    final: dict[str, Any] = {"final_outputs": outputs if len(outputs) > 1 else outputs[0]}
    if is_named:
        return {"final_weights": dict(zip(WEIGHT_NAMES, _plain(swept.parameters[trial]), strict=True))} | final
    layers = split(swept.parameters[trial : trial + 1], task)
    final["final_weights"] = [_plain(weights[0]) for weights, _ in layers]
    if task.has_biases:
        final["final_biases"] = [_plain(biases[0]) for _, biases in layers if biases is not None]
    return final


def _sharpness(task: Task, swept: Sweep) -> tuple[float, Array]:
    if len(task.start) > MOST_PARAMETERS:
        return np.nan, np.full(len(swept.learning_rates), np.nan)
    return sharpness(task.start[None], task)[0], sharpness(swept.parameters, task)


def _limit(sharpness: float) -> float | None:
    """The learning rate at which descent on a quadratic of this sharpness stops converging."""
    return finite(2 / sharpness) if sharpness > 0 else None


def _epochs_to(reached: Array, names: list[str]) -> dict[str, int | None]:
    return {name: None if epoch < 0 else int(epoch) for name, epoch in zip(names, reached, strict=True)}


def _plain(array: Array) -> Any:
    """Nested lists, None where a number is not finite."""
    if np.isfinite(array).all():
        return array.tolist()
    plain = array.astype(object)
    plain[~np.isfinite(array)] = None
    return plain.tolist()
