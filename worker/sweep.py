"""The work of a `backprop_sweep` job."""

from typing import Any

from sqlalchemy.orm import Session

from app.jobs.specs import BackpropSweepSpec
from models import backprop
from worker.runner import Finish, Run


def sweep(run: Run) -> Finish:
    """Train the small network at every learning rate of the spec."""
    spec = BackpropSweepSpec.model_validate(run.claim.spec)

    def after_epoch(epoch: int) -> None:
        run.progress(epoch, spec.epochs, "epochs")
        run.check()

    swept = backprop.sweep(
        inputs=spec.inputs,
        targets=spec.targets,
        weights=spec.weights,
        learning_rates=spec.learning_rates,
        epochs=spec.epochs,
        after_epoch=after_epoch,
    )
    trials: list[dict[str, Any]] = [
        {
            "learning_rate": rate,
            "loss": swept.losses[:, trial].tolist(),
            "final_weights": {f"w{i + 1}": float(weight) for i, weight in enumerate(swept.weights[:, trial])},
            "final_outputs": swept.outputs[:, trial].tolist(),
            "outcome": backprop.outcome(swept.losses[:, trial]),
        }
        for trial, rate in enumerate(spec.learning_rates)
    ]
    for trial in trials:
        run.report(
            "trial", {"learning_rate": trial["learning_rate"], "loss": trial["loss"][-1], "outcome": trial["outcome"]}
        )
    result = {"trials": trials, "best": min(trials, key=lambda trial: trial["loss"][-1])["learning_rate"]}

    def finish(_: Session) -> dict[str, Any]:
        return result

    return finish
