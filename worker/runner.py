"""Runs one job: claim it, do its work, record how it ended. No Celery in it, and no torch."""

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from app.background import Periodic
from app.db import Sessions
from app.errors import AppError, DatabaseUnavailable
from app.jobs import runs
from app.jobs.transitions import Claim
from models.errors import ModelError

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.002  # between two looks at the job row, which cost about 0.4 ms each
PATIENCE_SECONDS = 120.0  # how long a write waits for a database that is away

Finish = Callable[[Session], dict[str, Any]]


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
        self._is_lost = False
        self._checked = 0.0

    def progress(self, done: int, total: int, unit: str) -> None:
        """How far the work has come; written with the next renewal of the lease."""
        self._progress = {"done": done, "total": total, "unit": unit}

    def report(self, event: str, data: dict[str, Any]) -> None:
        """Append an event. Raises ClaimLost."""
        self.write(lambda: runs.report(self.sessions, self.claim, event, data))

    def write(self, call: Callable[[], bool]) -> None:
        """Make a guarded write, waiting for a database that is away. Raises ClaimLost where it says False."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if not call():
                    raise ClaimLost
                return
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def check(self) -> None:
        """Raise JobCancelled, ClaimLost or WorkerStopping if the work should end. To be called at every batch."""
        if self.is_stopping():
            raise WorkerStopping
        if self._is_lost:
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
        """Hold on to the job for another lease."""
        lease = runs.renew(self.sessions, self.claim, lease_seconds=self._lease_seconds, progress=self._progress)
        self._is_lost = not lease.is_held


def run_job(
    sessions: Sessions,
    job_id: str,
    work: Callable[[Run], Finish],
    *,
    lease_seconds: float = 30.0,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Claim a job, do its work and record how it ended. `work` returns what gives the result, within the transaction
    that ends the job."""
    claim = runs.claim(sessions, job_id, lease_seconds=lease_seconds)
    if claim is None:  # cancelled, or another worker was quicker
        return
    run = Run(sessions, claim, lease_seconds=lease_seconds, is_stopping=is_stopping)
    heartbeat = Periodic(f"lease of {job_id}", run.renew, seconds=min(5.0, lease_seconds / 6)).start()
    try:
        run.check()
        finish = work(run)
        run.renew()  # the last progress
        run.write(lambda: runs.succeed(sessions, claim, finish))
    except JobCancelled:
        run.write(lambda: runs.end_cancelled(sessions, claim))
    except WorkerStopping:
        detail = "The worker was stopped; the job will go on from its last checkpoint."
        run.write(lambda: runs.give_back(sessions, claim, charge=False, detail=detail))
    except ClaimLost:
        logger.warning("job %s attempt %d was given to another worker; dropped", job_id, claim.attempt)
    except (AppError, ModelError) as error:
        detail = str(error)
        run.write(lambda: runs.fail(sessions, claim, reason="error", detail=detail))
    except Exception as error:
        logger.exception("job %s attempt %d failed", job_id, claim.attempt)
        detail = f"{type(error).__name__}: {error}"
        run.write(lambda: runs.give_back(sessions, claim, charge=True, detail=detail))
    finally:
        heartbeat.close()
