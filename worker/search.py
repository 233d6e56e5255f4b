"""A step of a `training_search`: queue the trials that can be decided, or end it. No worker has it between steps."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.errors import DeviceNotPresent, SearchFailed, TooManyJobs
from app.jobs import searches
from app.jobs.lifecycle import JobStatus
from app.jobs.searches import Trial
from app.jobs.specs import TrainingSearchSpec
from app.jobs.tables import Job
from app.validation_messages import describe
from models.wording import counted
from worker.proposals import measure_importance, propose
from worker.retrying import retry_while_unavailable
from worker.runner import Finish, Run, WorkSuspended


def advance(run: Run, *, max_queued: int) -> Finish:
    """Make a step. Raises WorkSuspended while trials are open: the end of each is the time of the next step."""
    spec = TrainingSearchSpec.model_validate(run.claim.spec)
    trials = _add_trials(run, spec, max_queued=max_queued)
    if len(trials) < _wanted(spec) or any(trial.is_open for trial in trials):
        raise WorkSuspended
    best = _require_best(trials)
    _queue(run, lambda: searches.add_winner(run.sessions, run.claim, best, max_queued=max_queued))
    winner = retry_while_unavailable(lambda: searches.find_winner(run.sessions, run.claim.job_id, best.number))
    if winner is None or not JobStatus(winner.status).is_final:
        raise WorkSuspended
    if winner.result is None:
        raise SearchFailed(f"The network of the best trial, {best.number}, was not tested: {_reason(winner)}")
    result = _result(spec, trials, best, winner)

    def finish(_: Session) -> dict[str, Any]:
        return result

    return finish


def _add_trials(run: Run, spec: TrainingSearchSpec, *, max_queued: int) -> list[Trial]:
    """Queue trials until as many are open as may be, or none can be decided now; before new ones, let those run that
    are held. Returns all there are."""
    while True:
        _, trials = retry_while_unavailable(lambda: searches.read_search(run.sessions, run.claim.job_id))
        run.progress(sum(not trial.is_open for trial in trials), _wanted(spec), "trials")
        run.check()
        number, held = len(trials), [trial.number for trial in trials if trial.is_held]
        if sum(trial.is_open for trial in trials) - len(held) >= spec.parallel:
            return trials
        if held:
            run.write(partial(searches.release_trial, run.sessions, run.claim, held[0]))
            continue
        if number >= _wanted(spec):
            return trials
        params = propose(spec, number, trials)
        if params is None:
            return trials
        _add_trial(run, spec, number, params, max_queued=max_queued)


def _add_trial(run: Run, spec: TrainingSearchSpec, number: int, params: dict[str, Any], *, max_queued: int) -> None:
    limits: dict[str, Any] = {"max_queued": max_queued}
    try:
        training = spec.training(params)
    except ValidationError as error:
        why = f"Its settings do not go together, {params}: {describe(error.errors()[0])}"
        add = partial(searches.add_impossible_trial, run.sessions, run.claim, number, params, why, **limits)
    else:
        add = partial(searches.add_trial, run.sessions, run.claim, number, training, **limits)
    _queue(run, add)


def _queue(run: Run, add: Callable[[], bool]) -> None:
    """Queue a training, or wait until there is room in the queue, and a worker with the device."""
    try:
        run.write(add)
    except (TooManyJobs, DeviceNotPresent) as error:
        raise WorkSuspended from error


def _wanted(spec: TrainingSearchSpec) -> int:
    return spec.trials or 0


def _require_best(trials: list[Trial]) -> Trial:
    best = searches.find_best(trials)
    if best is None:
        error = next((trial.error["detail"] for trial in trials if trial.error), "all were cancelled.")
        raise SearchFailed(f"Of {counted(len(trials), 'trial')}, none came to its end: {error}")
    return best


def _reason(winner: Job) -> str:
    return winner.error["detail"] if winner.error else f"job {winner.id} was {winner.status}."


def _result(spec: TrainingSearchSpec, trials: list[Trial], best: Trial, winner: Job) -> dict[str, Any]:
    tested = winner.result or {}
    return {
        "best": {"number": best.number, "params": best.params, "value": best.value, "job_id": best.job_id},
        "winner": {"job_id": winner.id} | {name: tested.get(name) for name in ("model_version", "test", "promoted")},
        "trials": dict(Counter(str(trial.status) for trial in trials)),
        "importance": measure_importance(spec, trials),
    }
