"""Jobs and their events as documents."""

from collections.abc import Sequence
from typing import Any

from app.jobs.tables import Job, JobEvent

FIELDS = ("id", "kind", "status", "spec", "attempt", "progress", "error", "created_at", "started_at", "finished_at")


def summarise(job: Job) -> dict[str, Any]:
    """A job as `schemas.jobs.JobSummary`: without its result."""
    here = f"/v1/jobs/{job.id}"
    links = {
        "self": here,
        "events": f"{here}/events",
        "cancel": f"{here}/cancel",
        "retry": f"{here}/retry",
        "plot": f"{here}/plot.svg",
    }
    if job.kind == "backprop_sweep":
        links["curves"] = f"{here}/curves"
    return {name: getattr(job, name) for name in FIELDS} | {"links": links}


def render(job: Job) -> dict[str, Any]:
    """A job as `schemas.jobs.Job`."""
    return summarise(job) | {"result": job.result}


def render_page(jobs: Sequence[Job], *, limit: int) -> dict[str, Any]:
    """The first `limit` jobs as `schemas.jobs.JobPage`; there is a next page if `jobs` has more."""
    page = jobs[:limit]
    return {"items": [summarise(job) for job in page], "next_cursor": page[-1].id if len(jobs) > limit else None}


def render_event(event: JobEvent) -> dict[str, Any]:
    """An event as `schemas.jobs.Event`."""
    return {"id": event.number, "event": event.event, "at": rfc3339(event), "data": event.data}


def rfc3339(event: JobEvent) -> str:
    return event.at.isoformat().replace("+00:00", "Z")
