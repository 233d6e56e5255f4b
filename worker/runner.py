"""Runs one job: claims it, does the work of its kind, records how it ended. Imports neither Celery nor torch."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session
from structlog.contextvars import bind_contextvars

from app.background import Periodic
from app.db import Sessions
from app.errors import AppError, DatabaseUnavailable, StorageFull, StorageUnavailable
from app.jobs import runs
from app.jobs.routing import GPU_WAIT_SECONDS
from app.jobs.transitions import Claim
from models.errors import ModelError
from worker.retrying import Result, retry_while_unavailable

logger = logging.getLogger(__name__)

SUSPENSION_SECONDS = 30.0  # at most; what wakes a job ends it before
CHECK_SECONDS = 0.002  # between two reads of the job's row, about 0.4 ms each
HANG_SECONDS = 60.0  # without a step after the claim was lost, before the process ends itself

Finish = Callable[[Session], dict[str, Any]]  # returns the result, in the transaction that ends the job


class JobCancelled(Exception):
    """The client asked to cancel the job."""


class ClaimLost(Exception):
    """The job was requeued, and perhaps claimed by another worker; this run can write nothing more."""


class WorkerStopping(Exception):
    """This worker was asked to stop; it releases the job."""


class WorkSuspended(Exception):
    """The work cannot go on now; the job needs no worker until it is woken."""


class Run:
    """A claimed job, for the function that does its work."""

    def __init__(
        self, sessions: Sessions, claim: Claim, *, lease_seconds: float, is_stopping: Callable[[], bool]
    ) -> None:
        self.claim, self.is_stopping = claim, is_stopping
        self.sessions = sessions
        self._lease_seconds = lease_seconds
        self.latest_progress: dict[str, Any] | None = None
        self._first_progress: tuple[int, float] | None = None  # how much was done at the first report, and when
        self._lost_at: float | None = None
        self._checked_at = 0.0
        self._steps = self._renewed_steps = 0

    def progress(self, done: int, total: int, unit: str) -> None:
        """Record the progress and the time left at the pace so far; the next renewal of the lease writes them."""
        now = time.monotonic()
        first, began_at = self._first_progress = self._first_progress or (done, now)
        eta = round((total - done) * (now - began_at) / (done - first), 1) if done > first else None
        eta = 0.0 if done == total else eta
        self.latest_progress = {"done": done, "total": total, "unit": unit, "eta_seconds": eta}
        self._steps += 1

    def report(self, event: str, data: dict[str, Any]) -> None:
        """Append an event. Raises ClaimLost."""
        self.write(lambda: runs.report(self.sessions, self.claim, event, data))

    def report_all(self, event: str, items: Sequence[dict[str, Any]], *, first: int) -> None:
        """Append events of one name, the first of which is number `first` (from 0), each once. Raises ClaimLost."""
        self.write(lambda: runs.report_all(self.sessions, self.claim, event, items, first=first))

    def write(self, call: Callable[[], bool]) -> None:
        """Make a guarded write, with retries. Raises ClaimLost if it returns False."""
        if not retry_while_unavailable(call):
            raise ClaimLost

    def store(self, call: Callable[[], Result]) -> Result:
        """Make a call that writes artifacts, with retries while the store is full or unavailable.

        Raises StorageFull or StorageUnavailable after two minutes, and what `check` raises.
        """
        return retry_while_unavailable(call, between_tries=self.check)

    def check(self) -> None:
        """Raise JobCancelled, ClaimLost or WorkerStopping if the work should end. The work calls it at every batch."""
        self._steps += 1
        if self.is_stopping():
            raise WorkerStopping
        if self._lost_at is not None:
            raise ClaimLost
        if time.monotonic() < self._checked_at + CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()
        try:
            lease = runs.check(self.sessions, self.claim)
        except DatabaseUnavailable:
            return  # the next write retries
        if not lease.is_held:
            raise ClaimLost
        if lease.is_cancel_requested:
            raise JobCancelled

    def renew(self) -> None:
        """Renew the lease, with the progress and whether the work has moved since the last renewal."""
        steps = self._steps
        lease = runs.renew(
            self.sessions,
            self.claim,
            lease_seconds=self._lease_seconds,
            progress=self.latest_progress,
            has_stepped=steps > self._renewed_steps,
        )
        self._renewed_steps = steps
        if not lease.is_held and self._lost_at is None:
            self._lost_at = time.monotonic()

    @property
    def is_hung(self) -> bool:
        """Whether the claim was lost long ago and the work has not noticed."""
        return self._lost_at is not None and time.monotonic() > self._lost_at + HANG_SECONDS


Work = Callable[[Run], Finish]


def run_next(
    sessions: Sessions,
    queue: str,
    work: Mapping[str, Work],
    *,
    lease_seconds: float = 30.0,
    is_stopping: Callable[[], bool] = lambda: False,
    worker: str | None = None,
    gpu_wait_seconds: float = GPU_WAIT_SECONDS,
    end_process: Callable[[], None] = lambda: None,
) -> None:
    """Claim the next job of a queue, if there is one, do the work of its kind and record how it ended.

    `end_process` is called if the work hangs after its claim was lost.
    """
    claim = runs.claim_next(
        sessions, queue, lease_seconds=lease_seconds, worker=worker, gpu_wait_seconds=gpu_wait_seconds
    )
    if claim is None:  # another worker claimed it, or it was cancelled
        return
    bind_contextvars(job_id=claim.job_id)
    logger.info("job %s attempt %d begins", claim.job_id, claim.attempt)
    run = Run(sessions, claim, lease_seconds=lease_seconds, is_stopping=is_stopping)

    def renew_lease() -> None:
        run.renew()
        if run.is_hung:
            logger.error("job %s attempt %d hangs; this process ends", claim.job_id, claim.attempt)
            end_process()

    heartbeat = Periodic(f"lease of {claim.job_id}", renew_lease, seconds=min(5.0, lease_seconds / 6)).start()
    try:
        _run_to_end(run, work)
    except ClaimLost:
        logger.warning("job %s attempt %d was taken from this worker; dropped", claim.job_id, claim.attempt)
    except (DatabaseUnavailable, StorageFull) as error:
        logger.error(
            "job %s attempt %d could not be ended, its lease will run out: %s", claim.job_id, claim.attempt, error
        )
    finally:
        heartbeat.close()


def _run_to_end(run: Run, work: Mapping[str, Work]) -> None:
    """Do the work of the job's kind and record its end. Raises ClaimLost, DatabaseUnavailable, StorageFull."""
    sessions, claim = run.sessions, run.claim
    try:
        run.check()
        finish, result = work[claim.kind](run), {}

        def finish_once(session: Session) -> dict[str, Any]:
            result.update(finish(session))
            return result

        retry_while_unavailable(run.renew)  # writes the last progress
        run.write(lambda: runs.succeed(sessions, claim, finish_once))
        _log_success(claim, result)
    except JobCancelled:
        run.write(lambda: runs.end_cancelled(sessions, claim))
        logger.info("job %s attempt %d was cancelled", claim.job_id, claim.attempt)
    except WorkSuspended:
        retry_while_unavailable(run.renew)
        run.write(lambda: runs.suspend(sessions, claim, seconds=SUSPENSION_SECONDS))
    except WorkerStopping:
        logger.info("job %s attempt %d is given back: this worker stops", claim.job_id, claim.attempt)
        detail = "The worker was stopped; the job will go on from its last checkpoint, if it has one."
        run.write(lambda: runs.release(sessions, claim, counts_as_failure=False, detail=detail))
    except (ClaimLost, DatabaseUnavailable):
        raise
    except (StorageFull, StorageUnavailable) as error:
        _release_after_failure(run, str(error))
    except (AppError, ModelError) as error:
        detail = str(error)
        run.write(lambda: runs.fail(sessions, claim, reason="error", detail=detail))
        logger.error("job %s attempt %d failed: %s", claim.job_id, claim.attempt, detail)
    except Exception as error:
        logger.exception("job %s attempt %d failed", claim.job_id, claim.attempt)
        _release_after_failure(run, f"{type(error).__name__}: {error}")


def _log_success(claim: Claim, result: Mapping[str, Any]) -> None:
    logger.info("job %s attempt %d succeeded", claim.job_id, claim.attempt)
    if claim.kind == "mnist_training" and "model_version" in result:
        accuracy, became = result["test"]["accuracy"], "champion" if result["promoted"] else "not champion"
        logger.info(
            "version %s reads %.2f %% of the test set; %s: %s",
            result["model_version"], 100 * accuracy, became, result["promotion"],
        )  # fmt: skip


def _release_after_failure(run: Run, detail: str) -> None:
    run.write(lambda: runs.release(run.sessions, run.claim, counts_as_failure=True, detail=detail))
