"""Schemas of jobs and their events."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.jobs.lifecycle import JobStatus
from app.jobs.specs.options import NamedFields
from app.jobs.specs.recipe_fields import BatchSize, Epochs, LearningRate


class Progress(BaseModel):
    done: int
    total: int
    unit: str
    eta_seconds: float | None = Field(
        description="until all is done at the pace of this run so far, without what follows, such as the evaluation on "
        "the test set; null while the job does not run"
    )


class Origin(BaseModel):
    """Of which job this one is a retry with changes."""

    job: str
    step: int = Field(description="the batch of that job from whose checkpoint this one continues; 0: it begins anew")
    why: str


class JobError(BaseModel):
    reason: str = Field(
        description="`error`, `worker_lost`, `out_of_memory`, `stalled`, `time_limit`; of a trial also `impossible`"
    )
    detail: str


class Membership(BaseModel):
    """The place of a training in a search."""

    id: str = Field(description="the job that is the search")
    role: Literal["trial", "winner"] = Field(description="winner: it tests and registers the best trial's network")
    trial: int = Field(description="the trial's number, from 0")


class JobSummary(BaseModel):
    """A job in a list: everything but its result."""

    id: str
    kind: str
    status: JobStatus
    name: str | None
    tags: list[str]
    spec: dict[str, Any]
    attempt: int = Field(description="how often a worker has claimed it")
    cancel_requested: bool = Field(description="true while a job that is to be cancelled has not ended")
    progress: Progress | None
    error: JobError | None
    origin: Origin | None
    search: Membership | None = Field(description="null for a job of its own")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class Job(JobSummary):
    notice: str | None = Field(None, description="why a queued job cannot run now; null where nothing is in its way")
    result: dict[str, Any] | None = Field(description="null until the job has succeeded")
    epochs: list[dict[str, Any]] | None = Field(
        description="of a training: its epochs so far, also those of a failed or cancelled one; null for other kinds"
    )


class RetryChanges(NamedFields):
    """What a retry changes: with any of it, a training is retried as a new job."""

    learning_rate: LearningRate | None = Field(None, description="null: that of the old job")
    epochs: Epochs | None = Field(None, description="null: those of the old job")
    batch_size: BatchSize | None = Field(None, description="null: that of the old job; another one begins anew")


class JobPage(BaseModel):
    items: list[JobSummary]
    next_cursor: str | None


class Event(BaseModel):
    id: int
    event: str = Field(description="`status`, `epoch`, `trial`, `rung` or `log`")
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    items: list[Event]
    next_cursor: str | None = Field(description="null once the job has ended and all its events are listed")
