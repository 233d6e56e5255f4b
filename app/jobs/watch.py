"""Whether a job would be run now, as it was at the last look: /readyz asks often, and must not wait for Redis."""

from typing import TypedDict

from app.db import Sessions
from app.jobs.notifier import WorkerNotifier
from app.jobs.overview import count_live_workers
from app.jobs.specs import QUEUES


class JobsState(TypedDict):
    """Whether a job that is submitted now would be run, and if not, why."""

    ready: bool
    workers: int  # processes that reported themselves in the last minute
    reason: str | None


UNKNOWN = JobsState(ready=False, workers=0, reason="The workers have not been looked for yet.")


class JobsWatch:
    """A background task calls `check` every few seconds; `state` is what it found."""

    def __init__(self, sessions: Sessions, notifier: WorkerNotifier) -> None:
        self._sessions, self._notifier = sessions, notifier
        self.state = UNKNOWN

    def check(self) -> None:
        """Look for workers and for the broker, and remember the outcome. Raises DatabaseUnavailable, for the log."""
        is_broker_there = self._notifier.depth(QUEUES[0]) is not None
        workers = count_live_workers(self._sessions)
        reason = None
        if workers == 0:
            reason = "No worker has reported itself in the last minute; jobs wait for one."
        elif not is_broker_there:
            reason = "Redis does not answer; jobs wait until it does."
        self.state = JobsState(ready=reason is None, workers=workers, reason=reason)
