"""Queues, workers, leases and versions."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.jobs.specs import JobKind


class Queue(BaseModel):
    name: str
    queued: int
    running: int
    waiting_since: datetime | None = Field(description="since when the oldest waiting job has waited")
    hints: int | None = Field(description="messages for workers in Redis; null where it does not answer")
    notice: str | None = Field(None, description="why its jobs cannot run now; null where nothing is in their way")


class RunningJob(BaseModel):
    id: str
    kind: JobKind
    attempt: int
    lease_until: datetime | None = Field(description="its worker counts as lost after this, unless it renews")


class Gpu(BaseModel):
    name: str | None = Field(description="null where nvidia-smi does not say", examples=["NVIDIA H100 80GB HBM3"])
    memory_bytes: int | None = Field(examples=[85_520_809_984])


class Worker(BaseModel):
    name: str = Field(description="host:process")
    device: Literal["cpu", "cuda"]
    gpu: Gpu | None = Field(None, description="the one that this process computes on; null on a CPU")
    version: str
    seen_at: datetime
    job: RunningJob | None


class Dispatcher(BaseModel):
    process: str
    leads_until: datetime


class Versions(BaseModel):
    numeral: str
    commit: str | None = Field(None, description="that Numeral was built from; null where that is not known")
    python: str
    database: str
    db_schema: str = Field(alias="schema")


class System(BaseModel):
    """The queues, the workers with their jobs and leases, and what runs here. Times by the database's clock."""

    now: datetime
    versions: Versions
    champion: str | None = Field(description="the model version that answers predictions in this process")
    queues: list[Queue]
    workers: list[Worker] = Field(description="those heard of in the last minute")
    running_elsewhere: list[RunningJob] = Field(description="jobs that no living worker is busy with; they run again")
    dispatcher: Dispatcher | None = Field(description="the process that notifies workers and reclaims jobs")


class Liveness(BaseModel):
    live: bool
    version: str = Field(description="of this program")
    commit: str | None = Field(description="that it was built from; null where that is not known")


class ServedModel(BaseModel):
    version: str


class JobsReadiness(BaseModel):
    ready: bool = Field(description="whether a job would be run now")
    workers: int = Field(description="processes that reported themselves in the last minute")
    reason: str | None = Field(description="why a job would wait; null where it would not")


class Readiness(BaseModel):
    ready: bool
    model: ServedModel
    jobs: JobsReadiness
