"""/v1/system: what the service is busy with."""

import platform
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app import VERSION
from app.api.dependencies import Parts, PartsDependency
from app.db import SCHEMA
from app.errors import ModelNotLoaded
from app.jobs import overview

router = APIRouter(tags=["operation"])


class Queue(BaseModel):
    name: str
    queued: int
    running: int
    waiting_since: datetime | None = Field(description="when the oldest waiting job was submitted")
    hints: int | None = Field(description="messages for workers in Redis; null where it does not answer")


class RunningJob(BaseModel):
    id: str
    kind: str
    attempt: int
    lease_until: datetime | None = Field(description="its worker counts as lost after this, unless it renews")


class Worker(BaseModel):
    name: str = Field(description="host:process")
    device: str
    version: str
    seen_at: datetime
    job: RunningJob | None


class Dispatcher(BaseModel):
    process: str
    leads_until: datetime


class Versions(BaseModel):
    numeral: str
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
    dispatcher: Dispatcher | None = Field(description="the process that hints and reclaims jobs")


@router.get("/v1/system", response_model=System)
def get_system(parts: PartsDependency) -> dict[str, Any]:
    """Queue depths, workers with their device and current job, leases, and versions."""
    found = overview.look(parts.sessions)
    jobs = {job.worker: job for job in found.running}  # the newest, where a worker left one behind
    names = {worker.name for worker in found.workers}
    return {
        "now": found.now,
        "versions": {
            "numeral": VERSION,
            "python": platform.python_version(),
            "database": parts.sessions.describe(),
            "schema": SCHEMA,
        },
        "champion": _champion(parts),
        "queues": [vars(queue) | {"hints": parts.queue.depth(queue.name)} for queue in found.queues],
        "workers": [
            {name: getattr(worker, name) for name in ("name", "device", "version", "seen_at")}
            | {"job": vars(jobs[worker.name]) if worker.name in jobs else None}
            for worker in found.workers
        ],
        "running_elsewhere": [
            vars(job) for job in found.running if job.worker not in names or jobs[job.worker] is not job
        ],
        "dispatcher": {"process": found.leader.holder, "leads_until": found.leader.until} if found.leader else None,
    }


def _champion(parts: Parts) -> str | None:
    try:
        return parts.classifiers.champion.version
    except ModelNotLoaded:
        return None
