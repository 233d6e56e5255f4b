"""Jobs and their events as documents."""

from typing import Any

import orjson

from app.api.links import link
from app.jobs.lifecycle import JobStatus
from app.jobs.queries import JobPage
from app.jobs.tables import Job, JobEvent

MAX_LISTED_ITEMS = 50  # of a field of a spec in a list of jobs
FIELDS = (
    "id", "kind", "status", "name", "spec", "attempt", "error", "origin", "created_at", "started_at", "finished_at",
)  # fmt: skip


def summarise(job: Job, seconds_left: float | None = None) -> dict[str, Any]:
    """A job as `schemas.jobs.JobSummary`: without its result. `seconds_left` is that of a search (queries.py)."""
    here = link(f"/v1/jobs/{job.id}")
    links = {
        "self": here,
        "events": f"{here}/events",
        "cancel": f"{here}/cancel",
        "retry": f"{here}/retry",
        "plot": f"{here}/plot.svg",
    }
    if job.kind == "backprop_sweep":
        links["curves"] = f"{here}/curves"
    if job.kind == "mnist_training":
        links["hardest"] = f"{here}/hardest.png"
    if job.kind == "training_search":
        links["trials"] = f"{here}/trials"
    is_open = not JobStatus(job.status).is_final
    return {name: getattr(job, name) for name in FIELDS} | {
        "tags": job.spec.get("tags", []),
        "cancel_requested": job.is_cancel_requested and is_open,
        "progress": _render_progress(job, seconds_left),
        "search": {"id": job.search_id, "role": job.search_role, "trial": job.trial} if job.search_id else None,
        "links": links,
    }


def encode(
    job: Job,
    *,
    result: str | None = None,
    epochs: list[dict[str, Any]] | None = None,
    notice: str | None = None,
    seconds_left: float | None = None,
) -> bytes:
    """A job as the JSON of `schemas.jobs.Job`; `result` is JSON already. Large jobs take milliseconds: use a thread."""
    parts = {"result": orjson.Fragment(result) if result else None, "epochs": epochs, "notice": notice}
    document = summarise(job, seconds_left) | parts
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _render_progress(job: Job, seconds_left: float | None) -> dict[str, Any] | None:
    """The progress; the time left only while the job runs."""
    if job.progress is None:
        return None
    known = job.progress.get("eta_seconds") if seconds_left is None else seconds_left
    eta = known if job.status == JobStatus.RUNNING else None
    return job.progress | {"eta_seconds": eta}


def encode_page(page: JobPage) -> bytes:
    """The JSON of `schemas.jobs.JobPage`."""
    next_cursor = page.jobs[-1].id if page.has_more else None
    items = [summarise(job, page.seconds_left.get(job.id)) | _shorten_spec(job.spec) for job in page.jobs]
    document = {"items": items, "next_cursor": next_cursor}
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _shorten_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec without its long fields, such as the samples of a sweep, and their names."""
    long = [name for name, value in spec.items() if _count_items(value) > MAX_LISTED_ITEMS]
    return {"spec": {name: value for name, value in spec.items() if name not in long}, "spec_left_out": long}


def _count_items(value: Any) -> int:
    """How many numbers and texts there are in it."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if parts is None else sum(map(_count_items, parts))


def render_event(event: JobEvent) -> dict[str, Any]:
    """An event as `schemas.events.Event`."""
    return {"id": event.number, "event": event.event, "at": rfc3339(event), "data": event.data}


def rfc3339(event: JobEvent) -> str:
    return event.at.isoformat().replace("+00:00", "Z")
