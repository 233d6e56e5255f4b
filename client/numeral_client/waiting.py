"""Waiting for a job: when to ask again, and what to show meanwhile."""

from __future__ import annotations

import time

from numeral_client.display import ProgressBar
from numeral_client.documents import JobDocument
from numeral_client.errors import JobFailed, NumeralError, TimedOut, Unavailable
from numeral_client.events import ENDED

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
MAX_ATTEMPTS = 11


class Wait:
    """`next_pause` is asked with each state of the job, until it returns None: the job has succeeded."""

    def __init__(self, *, timeout: float | None, progress: bool | None) -> None:
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._bar = ProgressBar(is_shown=progress)
        self._pause = FIRST_PAUSE_SECONDS
        self.patience = Patience()

    def next_pause(self, job: JobDocument) -> float | None:
        """Raises JobFailed if the job has failed or was cancelled, TimedOut past the timeout."""
        self.patience.has_answered()
        if (progress := job.progress) is not None:
            self._bar.show(progress.done, progress.total, progress.unit, eta_seconds=progress.eta_seconds)
        if job.status in ENDED:
            self._bar.close()
            if job.status != "succeeded":
                raise JobFailed(job)
            return None
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._bar.close()
            raise TimedOut(f"Job {job.id} is still {job.status}; it goes on.")
        self._pause = min(LONGEST_PAUSE_SECONDS, 1.5 * self._pause)
        return self._pause


class Patience:
    """How long a service that cannot be reached is waited for: half a minute without an answer."""

    def __init__(self) -> None:
        self._attempts = 0

    def has_answered(self) -> None:
        self._attempts = 0

    def pause_after(self, error: NumeralError) -> float:
        """The seconds until the next attempt. Raises `error` where there is none."""
        if self._attempts == MAX_ATTEMPTS:
            raise error
        self._attempts += 1
        wanted = error.retry_after if isinstance(error, Unavailable) else None
        return max(wanted or 0, min(5.0, 0.05 * 2.0**self._attempts))
