"""The work of a `backprop_sweep` job."""

from typing import Any

from sqlalchemy.orm import Session

from app.jobs.specs import BackpropSweepSpec
from app.storage import Storage
from models.backprop.sweeps import critical_rates, curves, report, sweeping
from models.backprop.sweeps.curve_files import to_npz
from models.backprop.sweeps.networks import Task
from models.backprop.sweeps.outcomes import CONVERGED_LOSS
from models.backprop.sweeps.sweeping import Block, Sweep
from models.backprop.sweeps.thinning import points_per_curve
from worker.runner import Finish, Run


def sweep(run: Run, storage: Storage) -> Finish:
    """Train the spec's network at every learning rate, find where its descent ends, and say what came of it."""
    spec = BackpropSweepSpec.model_validate(run.claim.spec)
    task, stop = spec.to_task(), curves.Stop(**spec.stop.model_dump()) if spec.stop else None
    thresholds = report.thresholds(spec.marked_loss)
    converged_loss = max(CONVERGED_LOSS, (stop and stop.target_loss) or 0)

    def after_window(steps: int) -> None:
        run.progress(steps, len(spec.learning_rates) * spec.epochs, "steps")
        run.check()

    def after_block(block: Block) -> None:
        run.report_all("trial", _events(block, converged_loss), first=block.rates.start)

    swept = sweeping.sweep(
        task,
        spec.learning_rates,
        epochs=spec.epochs,
        thresholds=list(thresholds.values()),
        stop=stop,
        after_window=after_window,
        after_block=after_block,
    )
    result = report.summarise(
        swept,
        task,
        names=list(thresholds),
        is_named=spec.is_named,
        converged_loss=converged_loss,
        max_points=spec.max_points,
    )
    run.progress(len(spec.learning_rates) * spec.epochs, len(spec.learning_rates) * spec.epochs, "steps")
    result |= _critical(run, task, spec, stop, converged_loss)
    result["curves"] = _store_curves(run, storage, swept, max_points=spec.max_points)

    def finish(_: Session) -> dict[str, Any]:
        return result

    return finish


def _events(block: Block, converged_loss: float) -> list[dict[str, Any]]:
    swept = block.sweep
    words = report.outcomes(swept, block.rates, converged_loss=converged_loss)
    rates, losses = swept.learning_rates[block.rates], swept.last_losses[block.rates]
    return [
        {"learning_rate": float(rate), "loss": report.finite(loss), "outcome": word}
        for rate, loss, word in zip(rates, losses, words, strict=True)
    ]


def _critical(
    run: Run, task: Task, spec: BackpropSweepSpec, stop: curves.Stop | None, converged_loss: float
) -> dict[str, Any]:
    """Where the loss first rises and convergence ends; not searched for where that would take longer than the sweep."""
    if not critical_rates.is_affordable(task, epochs=spec.epochs):
        message = "The critical learning rates are not searched for: the network or the epochs are too many."
        run.report("log", {"message": message})
        return {"critical_learning_rate": None, "convergence": None, "critical_search": None}
    found = critical_rates.find(
        task, spec.learning_rates, epochs=spec.epochs, converged_loss=converged_loss, stop=stop, after_window=run.check
    )
    return {
        "critical_learning_rate": found.loss_rises,
        "convergence": {"begins": found.convergence_begins, "ends": found.convergence_ends},
        "critical_search": {"lowest": found.lowest, "highest": found.highest, "tried": found.tried},
    }


def _store_curves(run: Run, storage: Storage, swept: Sweep, *, max_points: int) -> dict[str, Any] | None:
    """Keep whole what the result shows thinned; None where it shows all."""
    if swept.losses.shape[1] <= points_per_curve(len(swept.learning_rates), max_points=max_points):
        return None
    content = to_npz(
        learning_rates=swept.learning_rates,
        losses=swept.losses,
        gradient_norms=swept.gradient_norms,
        last_epochs=swept.last_epochs,
        parameters=swept.parameters,
    )
    name = f"curves/{run.claim.job_id}-{run.claim.attempt}.npz"
    stored = run.store(lambda: storage.put(name, content))
    return {"artifact": stored.name, "sha256": stored.sha256, "size": stored.size}
