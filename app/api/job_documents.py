"""Jobs and their events as documents."""

from typing import Any

import orjson

from app.jobs.service import JobPage
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


def encode(job: Job, *, result: str | None = None) -> bytes:
    """A job as the JSON of `schemas.jobs.Job`; `result` is JSON already. Large jobs take milliseconds: use a thread."""
    document = summarise(job) | {"result": orjson.Fragment(result) if result else None}
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def encode_page(page: JobPage) -> bytes:
    """The JSON of `schemas.jobs.JobPage`."""
    next_cursor = page.jobs[-1].id if page.has_more else None
    document = {"items": [summarise(job) for job in page.jobs], "next_cursor": next_cursor}
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def render_event(event: JobEvent) -> dict[str, Any]:
    """An event as `schemas.jobs.Event`."""
    return {"id": event.number, "event": event.event, "at": rfc3339(event), "data": event.data}


def rfc3339(event: JobEvent) -> str:
    return event.at.isoformat().replace("+00:00", "Z")
