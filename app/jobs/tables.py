"""The tables of the job domain."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Job(Base):
    """One unit of a client's work.

    `attempt` counts its claims and fences every write of a run; `charged_attempts` leaves out those that a stopping
    worker gave back, and is what MAX_ATTEMPTS bounds. Queued jobs run in the order of `turn`: the time of submission,
    less ten minutes for each step of priority.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True)  # a UUIDv7: sorting by it is sorting by age
    kind: Mapped[str]
    status: Mapped[str]
    spec: Mapped[dict[str, Any]]
    queue: Mapped[str]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    attempt: Mapped[int] = mapped_column(default=0)
    charged_attempts: Mapped[int] = mapped_column(default=0)
    events: Mapped[int] = mapped_column(default=0)  # the number of its newest event
    turn: Mapped[datetime]
    not_before: Mapped[datetime | None]  # a job that failed for a passing reason rests a while
    worker: Mapped[str | None]  # the one that runs it or ran it last
    lease_until: Mapped[datetime | None]
    stepped_at: Mapped[datetime | None]  # when its worker last did something, besides living
    deadline: Mapped[datetime | None]  # of its time limit, from its first claim to its end
    hinted_at: Mapped[datetime | None]
    is_cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[dict[str, Any] | None]  # {done, total, unit}
    result: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    error: Mapped[dict[str, Any] | None]  # {reason, detail}
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("jobs_by_status", "status", "id"),
        Index("jobs_by_kind", "kind", "status", "id"),
        Index("jobs_by_turn", "status", "queue", "turn", "not_before"),
        Index("jobs_by_deadline", "deadline"),
    )


class JobEvent(Base):
    """Something that happened to a job; the numbers of one job's events are 1, 2, 3 ... without a gap."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str]  # status, epoch, trial or log
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
    """A process that runs jobs, as it last reported itself."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)  # host:pid
    device: Mapped[str]  # cpu or cuda
    version: Mapped[str]  # of the program it runs
    seen_at: Mapped[datetime]


class Leader(Base):
    """Who may do a thing that one process at a time should do, and until when."""

    __tablename__ = "leaders"

    duty: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]
