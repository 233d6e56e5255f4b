"""Runs one job: claim it, do its work, record how it ended. No Celery in it, and no torch."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars

from app.background import Periodic
from app.db import Sessions
from app.errors import AppError, DatabaseUnavailable, StorageFull, StorageUnavailable
from app.jobs import runs
from app.jobs.transitions import Claim
from models.errors import ModelError
from worker.retrying import Result, retry_while_unavailable

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.002  # between two looks at the job row, which cost about 0.4 ms each
GRACE_SECONDS = 60.0  # how long a run may go on, without a step, after its claim was lost

Finish = Callable[[Session], dict[str, Any]]  # gives the result; what it writes stands or falls with the job's success


class JobCancelled(Exception):
    """The client asked for the job to end."""


class ClaimLost(Exception):
    """The job was given to another worker; nothing of this run counts any more."""


class WorkerStopping(Exception):
    """This worker was asked to end; the job goes back to the queue."""


class Run:
    """A claimed job, as the function that does its work sees it."""

    def __init__(
        self, sessions: Sessions, claim: Claim, *, lease_seconds: float, is_stopping: Callable[[], bool]
    ) -> None:
        self.claim, self.is_stopping = claim, is_stopping
        self.sessions = sessions
        self._lease_seconds = lease_seconds
        self._progress: dict[str, Any] | None = None
        self._lost_at: float | None = None
        self._checked = 0.0
        self._steps = self._renewed_steps = 0

    def progress(self, done: int, total: int, unit: str) -> None:
        """How far the work has come; written with the next renewal of the lease."""
        self._progress = {"done": done, "total": total, "unit": unit}
        self._steps += 1

    def report(self, event: str, data: dict[str, Any]) -> None:
        """Append an event. Raises ClaimLost."""
        self.write(lambda: runs.report(self.sessions, self.claim, event, data))

    def report_all(self, event: str, items: Sequence[dict[str, Any]], *, first: int) -> None:
        """Append events of one name, from number `first` of the job on, each once at most. Raises ClaimLost."""
        self.write(lambda: runs.report_all(self.sessions, self.claim, event, items, first=first))

    def write(self, call: Callable[[], bool]) -> None:
        """Make a guarded write. Raises ClaimLost where it says that the claim is no longer good."""
        if not retry_while_unavailable(call):
            raise ClaimLost

    def store(self, call: Callable[[], Result]) -> Result:
        """Make a call that writes artifacts, and wait where their store is full or away.

        Raises StorageFull or StorageUnavailable after two minutes, and what `check` raises.
        """
        return retry_while_unavailable(call, between_tries=self.check)

    def check(self) -> None:
        """Raise JobCancelled, ClaimLost or WorkerStopping if the work should end. To be called at every batch."""
        self._steps += 1
        if self.is_stopping():
            raise WorkerStopping
        if self._lost_at is not None:
            raise ClaimLost
        if time.monotonic() < self._checked + CHECK_SECONDS:
            return
        self._checked = time.monotonic()
        try:
            lease = runs.check(self.sessions, self.claim)
        except DatabaseUnavailable:
            return  # the next write waits for it
        if not lease.is_held:
            raise ClaimLost
        if lease.is_cancel_requested:
            raise JobCancelled

    def renew(self) -> None:
        """Hold on to the job for another lease, and say whether the work has moved since the last one."""
        steps = self._steps
        lease = runs.renew(
            self.sessions,
            self.claim,
            lease_seconds=self._lease_seconds,
            progress=self._progress,
            has_stepped=steps > self._renewed_steps,
        )
        self._renewed_steps = steps
        if not lease.is_held and self._lost_at is None:
            self._lost_at = time.monotonic()

    @property
    def is_hung(self) -> bool:
        """Whether the claim has been lost for so long that the work cannot have noticed."""
        return self._lost_at is not None and time.monotonic() > self._lost_at + GRACE_SECONDS


def run_job(
    sessions: Sessions,
    job_id: str,
    work: Callable[[Run], Finish],
    *,
    lease_seconds: float = 30.0,
    is_stopping: Callable[[], bool] = lambda: False,
    take: Callable[..., Claim | None] = runs.claim,
    worker: str | None = None,
    abandon: Callable[[], None] = lambda: None,
) -> None:
    """Claim a job, do its work and record how it ended. `work` returns what gives the result, within the transaction
    that ends the job.

    `take` may give another job than the one named; `abandon` ends the process where the work hangs for good.
    """
    claim = take(sessions, job_id, lease_seconds=lease_seconds, worker=worker)
    if claim is None:  # cancelled, or another worker was quicker
        return
    bind_contextvars(job_id=claim.job_id)
    logger.info("job %s attempt %d begins", claim.job_id, claim.attempt)
    run = Run(sessions, claim, lease_seconds=lease_seconds, is_stopping=is_stopping)

    def hold_on() -> None:
        run.renew()
        if run.is_hung:
            logger.error("job %s attempt %d hangs; this process ends", claim.job_id, claim.attempt)
            abandon()

    heartbeat = Periodic(f"lease of {claim.job_id}", hold_on, seconds=min(5.0, lease_seconds / 6)).start()
    try:
        _finish(run, work)
    except ClaimLost:
        logger.warning("job %s attempt %d was taken from this worker; dropped", claim.job_id, claim.attempt)
    except (DatabaseUnavailable, StorageFull) as error:
        logger.error(
            "job %s attempt %d could not be ended, its lease will run out: %s", claim.job_id, claim.attempt, error
        )
    finally:
        heartbeat.close()


def _finish(run: Run, work: Callable[[Run], Finish]) -> None:
    """Do the work and record its end, whichever it is."""
    sessions, claim = run.sessions, run.claim
    try:
        run.check()
        finish = work(run)
        retry_while_unavailable(run.renew)  # the last progress
        run.write(lambda: runs.succeed(sessions, claim, finish))
    except JobCancelled:
        run.write(lambda: runs.end_cancelled(sessions, claim))
    except WorkerStopping:
        detail = "The worker was stopped; the job will go on from its last checkpoint, if it has one."
        run.write(lambda: runs.give_back(sessions, claim, charge=False, detail=detail))
    except (ClaimLost, DatabaseUnavailable):
        raise
    except (AppError, ModelError) as error:
        _fail(run, error)
    except Exception as error:
        logger.exception("job %s attempt %d failed", claim.job_id, claim.attempt)
        _try_again(run, f"{type(error).__name__}: {error}")


def _fail(run: Run, error: AppError | ModelError) -> None:
    """What a known error means: the end, or another try where the store was only away."""
    if isinstance(error, StorageFull | StorageUnavailable):
        _try_again(run, str(error))
    else:
        run.write(lambda: runs.fail(run.sessions, run.claim, reason="error", detail=str(error)))


def _try_again(run: Run, detail: str) -> None:
    run.write(lambda: runs.give_back(run.sessions, run.claim, charge=True, detail=detail))
