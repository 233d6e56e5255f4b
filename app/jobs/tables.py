"""The tables of the job domain."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base

TRIAL, WINNER = "trial", "winner"  # roles in a search
HELD = datetime(9999, 1, 1, tzinfo=UTC)  # as `run_after`: of a trial that waits until its search has a place for it


class Job(Base):
    """One unit of a client's work.

    `attempt` counts the claims and fences every write of a run. `failed_attempts` counts those that failed and were
    followed by another one; MAX_ATTEMPTS bounds it. A claim that a stopping worker released counts in `attempt` only.
    A running job without a lease is suspended: no worker has it until `run_after`.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)  # a UUIDv7, so ids sort by age
    kind: Mapped[str]
    status: Mapped[str]
    name: Mapped[str | None]  # from the spec, to look for
    spec: Mapped[dict[str, Any]]
    origin: Mapped[dict[str, Any] | None]  # of a retry with changes: {job, step, why}; step 0: it begins anew
    as_submitted: Mapped[dict[str, Any] | None]  # the fields of the spec that were changed since, as they were
    inputs: Mapped[dict[str, Any] | None]  # what names in the spec stood for at submission (inputs.py)
    search_id: Mapped[str | None]  # the job that is the search to which it belongs
    search_role: Mapped[str | None]  # TRIAL or WINNER
    trial: Mapped[int | None]  # its number in the search, from 0; of the winner, that of the trial
    queue: Mapped[str]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    attempt: Mapped[int] = mapped_column(default=0)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    events: Mapped[int] = mapped_column(default=0)  # the number of its newest event
    queued_at: Mapped[datetime] = mapped_column(
        server_default="1970-01-01 00:00:00"
    )  # when it was last put into its queue
    queue_order: Mapped[datetime]  # the time of submission, less ten minutes for each step of priority
    run_after: Mapped[datetime | None]  # the retry delay after a failed attempt, or a suspension, ends then; HELD
    worker: Mapped[str | None]  # the one that runs it or ran it last
    lease_until: Mapped[datetime | None]
    stepped_at: Mapped[datetime | None]  # when the work last made progress; a hung worker still renews the lease
    deadline: Mapped[datetime | None]  # by its time limit; set from the first claim to the end
    notified_at: Mapped[datetime | None]  # when its queue was last notified on its behalf
    is_cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[dict[str, Any] | None]  # {done, total, unit}
    result: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    error: Mapped[dict[str, Any] | None]  # {reason, detail}
    stored_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")  # expected; of a success: its curves
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("jobs_by_search", "search_id", "search_role", "trial", unique=True),  # no trial twice
        Index("jobs_by_status", "status", "id"),
        Index("jobs_by_kind", "kind", "status", "id"),
        Index("jobs_by_name", "name", "id"),
        Index("jobs_by_queue_order", "status", "queue", "queue_order", "run_after"),
        Index("jobs_by_deadline", "deadline"),
        Index(
            "jobs_by_stored_bytes",
            "kind",
            "status",
            "stored_bytes",
            sqlite_where=text("stored_bytes > 0"),
            postgresql_where=text("stored_bytes > 0"),
        ),
    )


class JobTag(Base):
    """A tag of a job's spec, to look for."""

    __tablename__ = "job_tags"

    tag: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True)


class JobEvent(Base):
    """Something that happened to a job. The events of a job are numbered 1, 2, 3 ... without a gap."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str]  # status, epoch, trial, rung or log
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Checkpoint(Base):
    """A complete, resumable training state in the artifact store."""

    __tablename__ = "checkpoints"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    artifact: Mapped[str]
    sha256: Mapped[str]
    at: Mapped[datetime]


class Worker(Base):
    """A process that runs jobs, as it last reported itself alive."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)  # host:pid
    device: Mapped[str]  # cpu or cuda
    gpu_name: Mapped[str | None]
    gpu_memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[str]  # of the program
    seen_at: Mapped[datetime]


DISPATCH, RETENTION = "dispatch", "retention"  # duties


class Leader(Base):
    """The lease of a duty that one process at a time performs, such as dispatching."""

    __tablename__ = "leaders"

    duty: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]
