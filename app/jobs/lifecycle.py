"""The statuses of a job and the transitions between them."""

from enum import StrEnum


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in ENDED


KINDS = {
    "backprop_sweep": "sweep",
    "mnist_training": "training",
    "reproduction": "reproduction",
    "training_search": "search",
}
STATES = {
    JobStatus.QUEUED: "is queued",
    JobStatus.RUNNING: "is running",
    JobStatus.SUCCEEDED: "has succeeded",
    JobStatus.FAILED: "has failed",
    JobStatus.CANCELLED: "was cancelled",
}

OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)
ENDED = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCELLED, JobStatus.FAILED}),
    JobStatus.RUNNING: frozenset({JobStatus.QUEUED, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.SUCCEEDED: frozenset({JobStatus.QUEUED}),  # only a search: extended, or for its failed trials
    JobStatus.FAILED: frozenset({JobStatus.QUEUED}),  # only by a client's retry
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED}),
}


def in_words(kind: str, status: str) -> str:
    """A job of this kind and status, in a sentence."""
    return f"{KINDS[kind]} that {STATES[JobStatus(status)]}"


def sources(target: JobStatus) -> list[JobStatus]:
    """Returns the statuses from which a job may move to `target`."""
    return [status for status, targets in TRANSITIONS.items() if target in targets]
