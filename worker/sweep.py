"""The work of a `backprop_sweep` job."""

from typing import Any, BinaryIO

import numpy as np
from sqlalchemy.orm import Session

from app.jobs.specs import BackpropSweepSpec
from app.storage import Storage
from models.backprop.sweeps import critical_rates
from models.backprop.sweeps.descent import EarlyStopping
from models.backprop.sweeps.landscape import is_affordable
from models.backprop.sweeps.outcomes import CONVERGED_LOSS
from models.backprop.sweeps.summary import (
    classify_trials,
    describe_targets,
    finite_or_none,
    named_thresholds,
    summarise,
)
from models.backprop.sweeps.sweep import Block, SweepResult, run_sweep
from models.backprop.sweeps.task import Task
from worker.runner import Finish, Run


def sweep(run: Run, storage: Storage) -> Finish:
    """Trains the spec's network at every learning rate, finds the critical rates, and returns the result."""
    spec = BackpropSweepSpec.model_validate(run.claim.spec)
    task, early_stopping = spec.to_task(), spec.early_stopping
    thresholds = named_thresholds(spec.reported_target_loss)
    converged_loss = max(CONVERGED_LOSS, (early_stopping and early_stopping.target_loss) or 0)
    total = len(spec.learning_rates) * spec.epochs

    def on_progress(steps: int) -> None:
        run.progress(steps, total, "steps")
        run.check()

    def on_block(block: Block) -> None:
        run.report_all("trial", _trial_events(block, converged_loss), first=block.rates.start)

    sweep_result = run_sweep(
        task,
        spec.learning_rates,
        epochs=spec.epochs,
        thresholds=list(thresholds.values()),
        kept_epochs=spec.weight_epochs,
        early_stopping=early_stopping,
        on_progress=on_progress,
        on_block=on_block,
    )
    if not is_affordable(task, len(spec.learning_rates)):
        run.report("log", {"message": "No sharpness: the network is too large, or the samples are too many."})
    for note in (*describe_targets(task), *spec.notes):
        run.report("log", {"message": note})
    result = summarise(
        sweep_result,
        task,
        names=list(thresholds),
        is_named=spec.is_named,
        is_drawn=spec.weights is None,
        converged_loss=converged_loss,
        size=spec.result_size,
        kept_epochs=spec.weight_epochs,
        on_progress=run.check,
    )
    run.progress(total, total, "steps")
    result["notes"] += spec.notes
    result |= {"curves": None, "whole": f"/v1/jobs/{run.claim.job_id}/curves.npz" if result["truncated"] else None}
    result |= _find_critical_rates(run, task, spec, early_stopping, converged_loss)
    if spec.result_size.file_bytes:
        result["curves"] = _store_curves(run, storage, sweep_result)

    def finish(_: Session) -> dict[str, Any]:
        return result

    return finish


def _trial_events(block: Block, converged_loss: float) -> list[dict[str, Any]]:
    outcomes = classify_trials(block.result, block.rates, converged_loss=converged_loss)
    rates, losses = block.result.learning_rates[block.rates], block.result.last_losses[block.rates]
    return [
        {"learning_rate": float(rate), "loss": finite_or_none(loss), "outcome": outcome}
        for rate, loss, outcome in zip(rates, losses, outcomes, strict=True)
    ]


def _find_critical_rates(
    run: Run, task: Task, spec: BackpropSweepSpec, early_stopping: EarlyStopping | None, converged_loss: float
) -> dict[str, Any]:
    """Returns the critical rates, or None for each where the search would take longer than the sweep."""
    if not critical_rates.is_affordable(task, epochs=spec.epochs):
        message = (
            "No search for critical learning rates: the network is too large, the epochs are too many, or a step takes "
            "only a part of the samples."
        )
        run.report("log", {"message": message})
        return {"critical_learning_rate": None, "convergence": None, "critical_search": None}
    found = critical_rates.find(
        task,
        spec.learning_rates,
        epochs=spec.epochs,
        converged_loss=converged_loss,
        early_stopping=early_stopping,
        on_progress=run.check,
    )
    return {
        "critical_learning_rate": found.loss_rises,
        "convergence": {"begins": found.convergence_begins, "ends": found.convergence_ends},
        "critical_search": {"lowest": found.lowest, "highest": found.highest, "tried": found.tried},
    }


def _store_curves(run: Run, storage: Storage, sweep_result: SweepResult) -> dict[str, Any]:
    """Stores all curves and all final networks. Returns what the result says about the file."""

    def write(file: BinaryIO) -> None:
        np.savez(  # not compressed: curves barely shrink, and parts of the file can be read
            file,
            allow_pickle=False,
            learning_rates=sweep_result.learning_rates,
            losses=sweep_result.losses,
            gradient_norms=sweep_result.gradient_norms,
            last_epochs=sweep_result.last_epochs,
            parameters=sweep_result.parameters,
            outputs=sweep_result.outputs,
        )

    name = f"curves/{run.claim.job_id}-{run.claim.attempt}.npz"
    stored = run.store(lambda: storage.put_file(name, write))
    try:
        run.check()
    except BaseException:  # the client cancelled it, or another worker has it: nothing will name this file
        storage.delete(name)
        raise
    return {"artifact": stored.name, "sha256": stored.sha256, "size": stored.size}
