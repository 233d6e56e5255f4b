"""What the parent process does when the system kills a child because memory ran out.

The kernel says so to nobody: the child ends by SIGKILL, as by an operator's `kill -9`. But it counts such kills, so a
count that grew while the child ran tells the two apart. Where the count cannot be read, the job's lease runs out, as
for any lost worker.
"""

import logging
import re
import socket
from pathlib import Path
from typing import Any

from celery import Task
from celery.exceptions import WorkerLostError
from celery.worker.request import Request

from app.config import Settings
from app.db import Sessions
from app.errors import AppError
from app.jobs import runs

logger = logging.getLogger(__name__)

VMSTAT = Path("/proc/vmstat")  # of the machine; counts the kills of its containers, too
DETAIL = (
    "The system killed the worker's process because memory ran out. Ask for a smaller batch_size, run fewer trainings "
    "at once (NUMERAL_TRAINING_WORKERS), or give the worker more memory."
)


def count_memory_kills(file: Path = VMSTAT) -> int | None:
    """Returns how many processes the kernel has killed because memory ran out; None where it does not say."""
    try:
        found = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def release_killed(sessions: Sessions, worker: str) -> bool:
    """Release the job of a worker's process that was killed: one more failed attempt. Returns False if it had none."""
    claim = runs.claim_of(sessions, worker)
    return claim is not None and runs.release(
        sessions, claim, counts_as_failure=True, detail=DETAIL, reason="out_of_memory"
    )


class WatchedRequest(Request):  # type: ignore[misc]
    """Celery's record of a task that a child runs, in the parent process."""

    _memory_kills: int | None = None

    def on_accepted(self, pid: int, time_accepted: float) -> None:
        self._memory_kills = count_memory_kills()
        super().on_accepted(pid, time_accepted)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        error = exc_info.exception
        if self._was_killed_for_memory(getattr(error, "exc", error)):  # billiard may wrap it
            self._release()
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def _was_killed_for_memory(self, error: BaseException) -> bool:
        before, now = self._memory_kills, count_memory_kills()
        is_killed = isinstance(error, WorkerLostError) and "signal 9 " in str(error)
        return is_killed and before is not None and now is not None and now > before

    def _release(self) -> None:
        worker = f"{socket.gethostname()}:{self.worker_pid}"
        # Connections of its own, closed at once: the next child is forked from this process.
        sessions = Sessions(Settings().resolved_database_url)
        try:
            if release_killed(sessions, worker):
                logger.error("the system killed process %d because memory ran out", self.worker_pid)
        except AppError as error:
            logger.error(
                "the job of process %d, which was killed, waits for the end of its lease: %s", self.worker_pid, error
            )
        finally:
            sessions.close()


class WatchedTask(Task):  # type: ignore[misc]
    """A task whose child may be killed for want of memory."""

    Request = WatchedRequest
