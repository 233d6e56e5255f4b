"""/v1/jobs: submit, list, get, cancel, retry and delete jobs, and follow their events."""

import re
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

from app.api.accept import accepts, prefers
from app.api.dependencies import ServicesDependency, require_json
from app.api.documented_errors import errors
from app.api.event_streams import encode_events
from app.api.job_documents import encode, encode_page, render_event
from app.api.json_limits import JsonLimits
from app.api.json_route import JsonRoute
from app.api.links import link
from app.api.path_parameters import JOB_ID, JobId
from app.api.schemas import events
from app.api.schemas import jobs as schemas
from app.api.schemas.media import answers, headers, sends
from app.errors import (
    ClientGone,
    DeviceNotPresent,
    IdempotencyKeyReused,
    InvalidInput,
    JobAlreadyEnded,
    JobInUse,
    JobNotEnded,
    JobNotFound,
    JobSucceeded,
    ModelNotFound,
    QuotaReached,
    StorageUnavailable,
    TooManyJobs,
)
from app.jobs import queries, retries, service
from app.jobs.events import read_events
from app.jobs.lifecycle import JobStatus
from app.jobs.specs import JobKind, JobSpec
from app.jobs.specs.backprop import MAX_NUMBERS
from app.jobs.specs.options import MAX_NAME_LENGTH, MAX_TAG_LENGTH, PRINTABLE
from app.jobs.tables import Job
from app.server.disconnects import disconnect_check
from app.services import Services


class SpecRoute(JsonRoute):
    """Takes a spec: the largest sweep with some room, and never so much else that validating it takes long."""

    limits = JsonLimits(commas=MAX_NUMBERS + 10_000, brackets=4_000, colons=1_000)


router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=SpecRoute)

MAX_WAIT_SECONDS = 60
MAX_DELETED_ARTIFACTS = 500  # in a request: 10 s in a slow store; `numeral gc` deletes the rest


@router.post(
    "",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(
        200,
        model=schemas.Job,
        description="The finished job, or the first one with this Idempotency-Key",
        headers=headers("Location", "Preference-Applied"),
    )
    | answers(202, headers=headers("Location", "Preference-Applied"))
    | answers(303, description="To the job's picture")
    | errors(ModelNotFound, IdempotencyKeyReused, DeviceNotPresent, TooManyJobs, QuotaReached),
    dependencies=[Depends(require_json)],
)
async def submit_job(
    spec: JobSpec,
    request: Request,
    services: ServicesDependency,
    response: Response,
    accept: Annotated[str, Header(include_in_schema=False)] = "application/json",
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)] = None,
    prefer: Annotated[
        str | None, Header(alias="Prefer", description="wait=N: answer 200 if the job ends within N seconds")
    ] = None,
) -> Any:
    """Queue a job. With `Idempotency-Key`, the same key and body give the first job again.

    `Accept: image/svg+xml` leads on to the job's picture.
    """
    wait_seconds = _parse_wait(prefer)
    job, is_new = await run_in_threadpool(_submit, services, spec, idempotency_key)
    if is_new:
        services.notifier.notify(job.queue)
    if wait_seconds and not JobStatus(job.status).is_final:
        is_applied, job = await _wait_for_end(services, job, wait_seconds, request)
        if is_applied:
            response.headers["Preference-Applied"] = f"wait={wait_seconds}"
    if not is_new or (wait_seconds and JobStatus(job.status).is_final):
        response.status_code = 200
    if prefers(accept, "image/svg+xml"):
        return RedirectResponse(link(f"/v1/jobs/{job.id}/plot.svg"), status_code=303)
    response.headers["Location"] = link(f"/v1/jobs/{job.id}")
    content = await run_in_threadpool(_encode_current, services, job)
    return Response(content, response.status_code or 202, dict(response.headers), "application/json")


def _submit(services: Services, spec: JobSpec, key: str | None) -> tuple[Job, bool]:
    quota, max_queued = services.quota(spec.kind), services.settings.max_queued
    return service.submit(services.sessions, spec, idempotency_key=key, max_queued=max_queued, quota=quota)


def _encode_current(services: Services, job: Job) -> bytes:
    """The document of a job that may have a result, which is read from the database as JSON."""
    if job.attempt == 0:  # it has neither a result nor an epoch
        return encode(job, epochs=[] if job.kind == "mnist_training" else None)
    return _read(services, job.id)


def _read(services: Services, job_id: str) -> bytes:
    job, result, epochs, seconds_left = queries.get_document(services.sessions, job_id)
    notice = queries.find_notice(services.sessions, job)
    return encode(job, result=result, epochs=epochs, notice=notice, seconds_left=seconds_left)


@router.get("", response_model=schemas.JobPage)
def list_jobs(
    services: ServicesDependency,
    kind: JobKind | None = None,
    status: JobStatus | None = None,
    name: Annotated[
        str | None, Query(max_length=MAX_NAME_LENGTH, pattern=PRINTABLE, description="exactly this name")
    ] = None,
    tag: Annotated[
        str | None, Query(max_length=MAX_TAG_LENGTH, pattern=PRINTABLE, description="one of the job's tags")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[
        str | None, Query(pattern=f"^{JOB_ID.pattern}$", description="`next_cursor` of the last page")
    ] = None,
) -> Response:
    """Jobs without their results, newest first."""
    page = queries.list_(services.sessions, kind=kind, status=status, name=name, tag=tag, before=cursor, limit=limit)
    # encoded here: FastAPI would validate a hundred jobs by the model first
    return Response(encode_page(page), media_type="application/json")


@router.get(
    "/{job_id}",
    response_model=schemas.Job,
    responses=answers(303, description="To its curves, as CSV") | errors(JobNotFound),
)
def get_job(
    job_id: JobId,
    services: ServicesDependency,
    accept: Annotated[str, Header(include_in_schema=False)] = "application/json",
) -> Any:
    """The job in its current state, with its result once it has succeeded.

    `Accept: text/csv` leads on to the curves of a sweep.
    """
    document = _read(services, job_id)
    if prefers(accept, "text/csv"):
        return RedirectResponse(link(f"/v1/jobs/{job_id}/curves"), status_code=303)
    return Response(document, media_type="application/json")


@router.post("/{job_id}/cancel", response_model=schemas.Job, responses=errors(JobNotFound, JobAlreadyEnded))
def cancel_job(job_id: JobId, services: ServicesDependency) -> Response:
    """Cancel a queued job at once, a running one at its next batch."""
    service.cancel(services.sessions, job_id)
    return Response(_read(services, job_id), media_type="application/json")


@router.post(
    "/{job_id}/retry",
    status_code=202,
    response_model=schemas.Job,
    responses=answers(202, headers=headers("Location"))
    | errors(JobNotFound, JobNotEnded, JobSucceeded, JobInUse, DeviceNotPresent, TooManyJobs, QuotaReached),
)
def retry_job(
    job_id: JobId, services: ServicesDependency, changes: Annotated[schemas.RetryChanges | None, Body()] = None
) -> Response:
    """Queue a failed or cancelled job again; a training resumes from its last checkpoint. No body is needed.

    With a `learning_rate`, `epochs` or `batch_size`, a training that has ended in any way is retried as a new job. That
    continues from the old one's checkpoint where that is sound, under a constant schedule and with the same batches;
    `origin` says whether it does.
    """
    changed = changes.model_dump(exclude_none=True) if changes else {}
    limits: dict[str, Any] = {"max_queued": services.settings.max_queued, "quota": services.quota}
    if changed:
        job = retries.retry_with_changes(services.sessions, job_id, changed, **limits)
    else:
        job = retries.retry(services.sessions, job_id, **limits)
    services.notifier.notify(job.queue)
    location = {"Location": link(f"/v1/jobs/{job.id}")}
    return Response(_read(services, job.id), 202, location, media_type="application/json")


@router.delete("/{job_id}", status_code=204, responses=errors(JobNotFound, JobNotEnded, JobInUse))
def delete_job(job_id: JobId, services: ServicesDependency) -> None:
    """Delete an ended job with its events, checkpoints and curves; refused while a model version came from it."""
    for artifact in service.delete(services.sessions, job_id)[:MAX_DELETED_ARTIFACTS]:
        with suppress(StorageUnavailable):  # no row names it; `numeral gc` deletes what is left
            services.storage.delete(artifact)


@router.get(
    "/{job_id}/events",
    response_model=events.EventPage,
    responses=sends("text/event-stream")
    | answers(204, description="The job has ended, and the reader of the stream has seen all of its events")
    | errors(JobNotFound),
)
async def list_job_events(
    job_id: JobId,
    services: ServicesDependency,
    accept: Annotated[str, Header(include_in_schema=False)] = "text/event-stream",
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", description="go on after this event")] = None,
    cursor: Annotated[int | None, Query(ge=0, le=2**53, description="`next_cursor` of the last page")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """The job's events: live as Server-Sent Events until its end, or a page of them with `Accept: application/json`.

    A reader that comes back after the end, with the last event's id, is answered 204.
    """
    after = cursor if cursor is not None else _parse_event_id(last_event_id)
    page, is_complete = await run_in_threadpool(read_events, services.sessions, job_id, after=after, limit=limit)
    if accepts(accept, "text/event-stream") or not accepts(accept, "application/json"):
        if is_complete and not page:  # by 204 a browser's EventSource stops asking (HTML, section 9.2.3)
            return Response(status_code=204)
        unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = encode_events(services.events.follow(job_id, after=after))
        return StreamingResponse(stream, media_type="text/event-stream", headers=unbuffered)
    newest = page[-1].number if page else after
    next_cursor = None if is_complete else str(newest)
    return JSONResponse({"items": [render_event(event) for event in page], "next_cursor": next_cursor})


async def _wait_for_end(services: Services, job: Job, seconds: int, request: Request) -> tuple[bool, Job]:
    """Returns whether the job was waited for (not where too many clients wait already), and the job as it is then."""
    is_disconnected = disconnect_check(request.receive)
    if not await services.events.wait_for_end(job.id, seconds=seconds, is_disconnected=is_disconnected):
        return False, job
    if is_disconnected():
        raise ClientGone("The client disconnected before the job had ended.")
    return True, (await run_in_threadpool(queries.get_document, services.sessions, job.id)).job


def _parse_wait(prefer: str | None) -> int:
    """Returns the N of `Prefer: wait=N`, or 0 without one; unknown preferences are ignored (RFC 7240)."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d+)(?![\d.])", prefer or "", re.IGNORECASE)
    if found is None:
        return 0
    if len(found[1]) > 4 or int(found[1]) > MAX_WAIT_SECONDS:
        raise InvalidInput(f"Prefer: wait may be at most {MAX_WAIT_SECONDS} seconds.", location="header.Prefer")
    return int(found[1])


def _parse_event_id(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16):
        raise InvalidInput("Last-Event-ID must be the id of an event of this job.", location="header.Last-Event-ID")
    return int(last_event_id)
