"""/v1/system: queues, workers, leases and versions."""

import platform
from typing import Any

from fastapi import APIRouter

from app import VERSION
from app.api.dependencies import ServicesDependency
from app.api.schemas.system import System
from app.db import SCHEMA
from app.errors import ModelNotLoaded
from app.jobs import overview
from app.jobs.tables import Worker
from app.services import Services

router = APIRouter(tags=["operation"])


@router.get("/v1/system", response_model=System)
def get_system(services: ServicesDependency) -> dict[str, Any]:
    """Queue depths, workers with their device and current job, leases, and versions."""
    state = overview.read_overview(services.sessions)
    jobs = {job.worker: job for job in state.running}  # by worker: the newest, if it left an older one unfinished
    names = {worker.name for worker in state.workers}
    return {
        "now": state.now,
        "versions": {
            "numeral": VERSION,
            "commit": services.commit,
            "python": platform.python_version(),
            "database": services.sessions.describe(),
            "schema": SCHEMA,
        },
        "champion": _champion(services),
        "queues": [vars(queue) | {"hints": services.notifier.depth(queue.name)} for queue in state.queues],
        "workers": [
            {name: getattr(worker, name) for name in ("name", "device", "version", "seen_at")}
            | {"gpu": _gpu(worker)}
            | {"job": vars(jobs[worker.name]) if worker.name in jobs else None}
            for worker in state.workers
        ],
        "running_elsewhere": [
            vars(job) for job in state.running if job.worker not in names or jobs[job.worker] is not job
        ],
        "dispatcher": {"process": state.leader.holder, "leads_until": state.leader.until} if state.leader else None,
    }


def _gpu(worker: Worker) -> dict[str, Any] | None:
    if worker.device != "cuda":
        return None
    return {"name": worker.gpu_name, "memory_bytes": worker.gpu_memory_bytes}


def _champion(services: Services) -> str | None:
    try:
        return services.model_cache.champion.version
    except ModelNotLoaded:
        return None
