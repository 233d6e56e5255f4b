"""The events of jobs, one model per name."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from app.api.schemas.results import Epoch
from app.jobs.lifecycle import JobStatus
from models.backprop.sweeps.outcomes import Outcome

JobErrorReason = Literal["error", "worker_lost", "out_of_memory", "stalled", "time_limit", "impossible"]


class StatusChange(BaseModel):
    status: JobStatus
    attempt: int | None = Field(None, description="how often a worker has claimed the job")
    detail: str | None = Field(None, description="why, where there is something to say")
    reason: JobErrorReason | None = Field(None, description="of a failed job")


class SweepTrialEnd(BaseModel):
    """A learning rate of a sweep is done."""

    learning_rate: float
    loss: float | None = Field(description="the last one; null if it overflowed")
    outcome: Outcome


class SearchTrialEnd(BaseModel):
    """A training of a search has ended."""

    number: int
    role: Literal["trial", "winner"]
    job_id: str
    status: JobStatus


class Rung(BaseModel):
    """A trial was judged: whether it goes on."""

    epoch: int
    value: float = Field(description="validation accuracy")
    pruned: bool
    among: int = Field(description="the trials that were judged at this epoch before it")


class LogLine(BaseModel):
    message: str


class EventFields(BaseModel):
    id: int = Field(description="from 1, without a gap")
    at: datetime


class StatusEvent(EventFields):
    event: Literal["status"]
    data: StatusChange


class EpochEvent(EventFields):
    event: Literal["epoch"]
    data: Epoch


class TrialEvent(EventFields):
    event: Literal["trial"]
    data: SweepTrialEnd | SearchTrialEnd


class RungEvent(EventFields):
    event: Literal["rung"]
    data: Rung


class LogEvent(EventFields):
    event: Literal["log"]
    data: LogLine


class Event(
    RootModel[Annotated[StatusEvent | EpochEvent | TrialEvent | RungEvent | LogEvent, Field(discriminator="event")],]
):
    """Something that happened to a job."""


class EventPage(BaseModel):
    items: list[Event]
    next_cursor: str | None = Field(description="null once the job has ended and all its events are listed")
