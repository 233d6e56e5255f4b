"""Searches for the settings of a training. A trial is a training job of its own that names its search.

All that a search knows stands in the rows of its trials, so nothing is lost with the worker that made a step of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.errors import InvalidInput, JobNotEnded, TrialsNotThere
from app.jobs.lifecycle import KINDS, JobStatus
from app.jobs.quotas import FindQuota
from app.jobs.service import build, insert, queue_again, require_trials_ended
from app.jobs.specs import MnistTrainingSpec, TrainingSearchSpec
from app.jobs.specs.training import MODEL_BYTES
from app.jobs.tables import HELD, TRIAL, WINNER, Checkpoint, Job, JobEvent
from app.jobs.transitions import IMPOSSIBLE, Claim, append_event, fail_job, get_job, lock_current
from app.validation_messages import describe
from models.wording import counted

KIND = "training_search"


@dataclass(frozen=True)
class Trial:
    """A trial as it stands. `value` is the validation accuracy after its last epoch, once it has ended."""

    number: int
    job_id: str
    status: str  # of its job; but `pruned` for one that ended before its last epoch
    params: dict[str, Any]
    value: float | None
    epochs: int  # that are done
    seconds: float | None  # from its first start to its end
    error: dict[str, Any] | None
    is_held: bool = False  # whether it waits, queued again by a retry, for a place among those that run

    @property
    def is_open(self) -> bool:
        return self.status in (JobStatus.QUEUED, JobStatus.RUNNING)


def read_search(sessions: Sessions, job_id: str) -> tuple[Job, list[Trial]]:
    """Returns a search with its result, and its trials in order. Raises JobNotFound, TrialsNotThere."""
    with sessions.reading() as session:
        job = _get_search(session, job_id)
        return job, _read_trials(session, job)


def find_best(trials: Sequence[Trial]) -> Trial | None:
    """Returns the completed trial with the highest validation accuracy, the first of equals."""
    complete = [trial for trial in trials if trial.status == JobStatus.SUCCEEDED]
    return max(complete, key=lambda trial: (trial.value or 0.0, -trial.number), default=None)


def find_winner(sessions: Sessions, search_id: str, trial: int) -> Job | None:
    """Returns the job that tests the network of this trial, with its result; None if there is none yet."""
    with sessions.reading() as session:
        found = session.scalars(_members(search_id, WINNER).where(Job.trial == trial)).one_or_none()
        return found and get_job(session, found.id)


def find_training_seconds(sessions: Sessions, winner_id: str) -> float:
    """Returns how long the training took whose network this winner tests."""
    with sessions.reading() as session:
        winner = get_job(session, winner_id)
        seconds = select(Job.result["seconds"].as_float()).where(Job.trial == winner.trial)
        return session.scalars(seconds.where(Job.search_id == winner.search_id, Job.search_role == TRIAL)).one() or 0.0


def find_stored_bytes(session: Session, job: Job, spec: TrainingSearchSpec | None = None) -> int | None:
    """Returns what a search with this spec, by default its own, will still store when it runs: through the trials that
    are not there yet, and the winner. None for a job that is no search."""
    if job.kind != KIND:
        return None
    spec = spec or TrainingSearchSpec.model_validate(job.spec)
    there = session.scalars(select(func.count()).select_from(_members(job.id, TRIAL).subquery())).one()
    return ((spec.trials or 0) - there) * spec.trial_bytes + MODEL_BYTES


def release_trial(sessions: Sessions, claim: Claim, number: int) -> bool:
    """Let the held trial `number` of the claimed search run. Returns False if the claim is lost."""
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        held = _members(claim.job_id, TRIAL).where(Job.trial == number, Job.run_after == HELD)
        for trial in session.scalars(held.with_for_update(skip_locked=True)):
            trial.run_after, trial.queued_at = None, database_now(session)
        return True


def add_trial(sessions: Sessions, claim: Claim, number: int, spec: MnistTrainingSpec, *, max_queued: int) -> bool:
    """Queue the trial `number` of the claimed search, unless it is there. Returns False if the claim is lost.

    Raises TooManyJobs, DeviceNotPresent. The quota has room for it since the search was queued.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        _add(session, claim.job_id, TRIAL, number, spec, max_queued=max_queued)
        return True


def add_impossible_trial(
    sessions: Sessions, claim: Claim, number: int, params: dict[str, Any], why: str, *, max_queued: int
) -> bool:
    """Record the trial `number`, whose settings do not go together, as one that has failed for that reason.

    Returns False if the claim is lost. Raises what `add_trial` does.
    """
    search = TrainingSearchSpec.model_validate(claim.spec)
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        job = _add(session, claim.job_id, TRIAL, number, search.training({}), max_queued=max_queued)
        if job is not None:
            job.spec, job.stored_bytes = search.describe(params), 0
            session.flush()
            fail_job(session, job.id, IMPOSSIBLE, why, claim=None)
        return True


def add_winner(sessions: Sessions, claim: Claim, trial: Trial, *, max_queued: int) -> bool:
    """Queue the training that tests and registers the network of `trial`, unless it is there.

    It begins from the trial's last checkpoint, which is that of the finished network, with the epochs that led there.
    One that ended without a result before the search was queued again is queued again with it.
    Returns False if the claim is lost. Raises TooManyJobs, DeviceNotPresent.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return False
        best = get_job(session, trial.job_id)
        spec = MnistTrainingSpec.model_validate(best.spec)
        job = _add(session, claim.job_id, WINNER, trial.number, spec, max_queued=max_queued)
        if job is not None:
            job.progress = best.progress
            _copy_last_state(session, best.id, job)
            return True
        winner = session.scalars(_members(claim.job_id, WINNER).where(Job.trial == trial.number)).one()
        is_ended = winner.status in (JobStatus.FAILED, JobStatus.CANCELLED)
        if is_ended and not _has_ended_in_this_run(session, claim.job_id, winner.id):
            queue_again(session, winner, max_queued=max_queued, quota=None)
            _take_over(session, claim.job_id, MODEL_BYTES)
        return True


def judge(sessions: Sessions, claim: Claim, epoch: int) -> bool | None:
    """Returns whether the claimed trial, which has completed `epoch`, is pruned there; None if the claim is lost.

    Each trial is judged once at each rung, by those that were judged there before it (see docs/search.md). The verdict
    is an event of the trial: a run that comes there again is told the same.
    """
    with sessions.writing() as session:
        if not lock_current(session, claim):
            return None
        job = get_job(session, claim.job_id)
        search = get_job(session, str(job.search_id), locked=True)  # so that all trials are judged one after another
        spec = TrainingSearchSpec.model_validate(search.spec)
        if spec.pruning == "off" or not is_rung(epoch, min_epochs=spec.min_epochs, factor=spec.reduction_factor):
            return False
        verdicts = select(JobEvent.job_id, JobEvent.data).join(Job).where(Job.search_id == search.id)
        verdicts = verdicts.where(JobEvent.event == "rung")
        at_rung = {job_id: data for job_id, data in session.execute(verdicts) if data["epoch"] == epoch}
        if job.id in at_rung:
            return bool(at_rung[job.id]["pruned"])
        value = _epochs(session, job.id)[epoch - 1]["validation_accuracy"]
        others = [data["value"] for data in at_rung.values()]
        pruned = not is_promoted(value, others, factor=spec.reduction_factor)
        append_event(session, claim, "rung", {"epoch": epoch, "value": value, "pruned": pruned, "among": len(others)})
        return pruned


def is_rung(epoch: int, *, min_epochs: int, factor: int) -> bool:
    """Whether trials are judged after `epoch`: it is min_epochs, or that times a power of the factor."""
    while epoch > min_epochs and epoch % factor == 0:
        epoch //= factor
    return epoch == min_epochs


def is_promoted(value: float, others: Sequence[float], *, factor: int) -> bool:
    """Whether a trial goes on past a rung: it is among the best 1 / factor of those that have come there, at least the
    best one. The rule of asynchronous successive halving (Li et al. 2020) for trials that cannot be resumed later, as
    in Optuna's SuccessiveHalvingPruner."""
    ranked = sorted([*others, value], reverse=True)
    return value >= ranked[max(1, len(ranked) // factor) - 1]


def extend(
    sessions: Sessions, job_id: str, trials: int, *, max_queued: int = 10_000, quota: FindQuota | None = None
) -> Job:
    """Queue an ended search again with more trials. Returns it.

    Raises JobNotFound, TrialsNotThere, JobNotEnded, InvalidInput past the most trials, TooManyJobs, QuotaReached.
    """
    with sessions.writing() as session:
        job = _get_search(session, job_id, locked=True)
        if not JobStatus(job.status).is_final:
            raise JobNotEnded(f"Search {job_id} is still {job.status}. Cancel it or wait for its end, then extend it.")
        require_trials_ended(session, job_id)
        try:
            spec = TrainingSearchSpec.model_validate(job.spec | {"trials": job.spec["trials"] + trials})
        except ValidationError as error:
            detail = f"Search {job_id} has {counted(job.spec['trials'], 'trial')}: {describe(error.errors()[0])}."
            raise InvalidInput(detail, location="body.trials") from error
        columns: dict[str, Any] = {"spec": spec.model_dump(mode="json")}
        columns["as_submitted"] = job.as_submitted or {"trials": job.spec["trials"]}
        stored_bytes = find_stored_bytes(session, job, spec)
        queue_again(session, job, max_queued=max_queued, quota=quota, stored_bytes=stored_bytes, **columns)
        session.flush()
        return get_job(session, job_id)


def _get_search(session: Session, job_id: str, *, locked: bool = False) -> Job:
    job = get_job(session, job_id, locked=locked)
    if job.kind != KIND:
        raise TrialsNotThere(f"Job {job_id} is a {KINDS[job.kind]}; only a search has trials.")
    return job


def _members(search_id: str, role: str) -> Any:
    return select(Job).where(Job.search_id == search_id, Job.search_role == role)


def _read_trials(session: Session, search: Job) -> list[Trial]:
    counting = select(JobEvent.job_id, func.count()).join(Job)
    counting = counting.where(Job.search_id == search.id, JobEvent.event == "epoch").group_by(JobEvent.job_id)
    epochs = {row[0]: row[1] for row in session.execute(counting)}
    query = _members(search.id, TRIAL).order_by(Job.trial)
    value, pruned = Job.result["value"].as_float(), Job.result["pruned"].as_boolean()
    return [
        Trial(
            number=job.trial,
            job_id=job.id,
            status="pruned" if is_pruned else job.status,
            params={name: job.spec[name] for name in search.spec["space"]},
            value=found,
            epochs=epochs.get(job.id, 0),
            seconds=_seconds_between(job.started_at, job.finished_at),
            error=job.error,
            is_held=job.status == JobStatus.QUEUED and job.run_after == HELD,
        )
        for job, found, is_pruned in session.execute(query.add_columns(value, pruned))
    ]


def _seconds_between(started: datetime | None, finished: datetime | None) -> float | None:
    return round((finished - started).total_seconds(), 3) if started and finished else None


def _add(
    session: Session,
    search_id: str,
    role: str,
    trial: int,
    spec: MnistTrainingSpec,
    *,
    max_queued: int,
) -> Job | None:
    """Queue a job of a search, whose row the caller has locked. Returns it, None if it is there already.

    From then on, what it will store counts for it and no more for the search. A trial makes no model, and the winner
    nothing else.
    """
    if session.scalars(_members(search_id, role).where(Job.trial == trial)).one_or_none() is not None:
        return None  # an earlier commit was not acknowledged
    search = get_job(session, search_id)
    job = build(spec, inputs=search.inputs)
    job.search_id, job.search_role, job.trial = search_id, role, trial
    job.stored_bytes = spec.checkpoint_bytes if role == TRIAL else MODEL_BYTES
    insert(session, job, spec, max_queued=max_queued, quota=None)
    job.notified_at = None  # the dispatcher notifies at its next tick
    expected = TrainingSearchSpec.model_validate(search.spec).trial_bytes if role == TRIAL else MODEL_BYTES
    _take_over(session, search_id, expected)
    return job


def _take_over(session: Session, search_id: str, expected_bytes: int) -> None:
    """A job of the search has been queued for which the search expected to store so much."""
    search = get_job(session, search_id)
    search.stored_bytes = max(0, search.stored_bytes - expected_bytes)


def _has_ended_in_this_run(session: Session, search_id: str, job_id: str) -> bool:
    """Whether a job of the search has ended since a client last queued that."""
    query = select(JobEvent.data).where(JobEvent.job_id == search_id, JobEvent.event.in_(("status", "trial")))
    for data in session.scalars(query.order_by(JobEvent.number.desc())):
        if data.get("job_id") == job_id:
            return True
        if data["status"] == JobStatus.QUEUED and "detail" not in data:  # with a detail, a worker gave it back
            return False
    return False


def _copy_last_state(session: Session, source: str, job: Job) -> None:
    """Give a queued job the last checkpoint and the epochs of another one. Both name one artifact from then on."""
    for data in _epochs(session, source):
        job.events += 1
        session.add(JobEvent(job_id=job.id, number=job.events, event="epoch", data=data, at=job.created_at))
    last = select(Checkpoint).where(Checkpoint.job_id == source).order_by(Checkpoint.step.desc()).limit(1)
    for saved in session.scalars(last):
        copy = {"step": saved.step, "artifact": saved.artifact, "sha256": saved.sha256, "at": saved.at}
        session.add(Checkpoint(job_id=job.id, **copy))


def _epochs(session: Session, job_id: str) -> list[dict[str, Any]]:
    query = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")
    return list(session.scalars(query.order_by(JobEvent.number)))
