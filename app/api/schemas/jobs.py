"""Schemas of jobs and their events."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.jobs.lifecycle import JobStatus


class Progress(BaseModel):
    done: int
    total: int
    unit: str


class JobError(BaseModel):
    reason: str = Field(description="`error`, `worker_lost`, `stalled` or `time_limit`")
    detail: str


class JobSummary(BaseModel):
    """A job in a list: everything but its result."""

    id: str
    kind: str
    status: JobStatus
    spec: dict[str, Any]
    attempt: int = Field(description="how often a worker has claimed it")
    progress: Progress | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class Job(JobSummary):
    result: dict[str, Any] | None = Field(description="null until the job has succeeded")


class JobPage(BaseModel):
    items: list[JobSummary]
    next_cursor: str | None


class Event(BaseModel):
    id: int
    event: str = Field(description="`status`, `epoch`, `trial` or `log`")
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    items: list[Event]
    next_cursor: str | None = Field(description="null once the job has ended and all its events are listed")
