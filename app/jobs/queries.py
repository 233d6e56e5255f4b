"""What clients read of jobs: documents, pages, curves, and why a job waits. `service.py` is what they change."""

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.errors import CurvesNotThere
from app.jobs.lifecycle import JobStatus, in_words
from app.jobs.routing import notice_for
from app.jobs.specs.training import CUDA_QUEUE
from app.jobs.tables import TRIAL, Job, JobEvent, JobTag
from app.jobs.transitions import job_not_found
from app.storage import Artifact

MAX_PAGE_BYTES = 8 * 2**20  # of the specs in one page of jobs; a spec takes up to 4 MB
FETCHED_JOBS = 10  # at once from the database, for a page


class JobPage(NamedTuple):
    """Jobs in order, whether there are more, and the seconds left of each search that runs."""

    jobs: list[Job]
    has_more: bool
    seconds_left: dict[str, float | None]


class JobDocument(NamedTuple):
    """A job, its result as the JSON that the database holds, of a training the epochs so far, of a search that runs
    the seconds left."""

    job: Job
    result: str | None
    epochs: list[dict[str, Any]] | None
    seconds_left: float | None


def get_document(sessions: Sessions, job_id: str) -> JobDocument:
    """Returns the job with its result and its epochs. Raises JobNotFound."""
    with sessions.reading() as session:
        row = session.execute(select(Job, cast(Job.result, Text)).where(Job.id == job_id)).one_or_none()
        if row is None:
            raise job_not_found(job_id)
        job, result = row
        seconds_left = _find_seconds_left(session, [job]).get(job.id)
        if job.kind != "mnist_training":
            return JobDocument(job, result, None, seconds_left)
        epochs = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == "epoch")
        return JobDocument(job, result, list(session.scalars(epochs.order_by(JobEvent.number))), seconds_left)


def read_spec(sessions: Sessions, job_id: str) -> tuple[str, dict[str, Any]]:
    """Returns the kind and the spec of the job. Raises JobNotFound."""
    with sessions.reading() as session:
        row = session.execute(select(Job.kind, Job.spec).where(Job.id == job_id)).one_or_none()
    if row is None:
        raise job_not_found(job_id)
    kind, spec = row
    return kind, spec


def list_(
    sessions: Sessions,
    *,
    kind: str | None = None,
    status: str | None = None,
    name: str | None = None,
    tag: str | None = None,
    before: str | None = None,
    limit: int = 20,
) -> JobPage:
    """Returns jobs without their results, newest first, older than the job `before`.

    A page ends early where its specs would exceed MAX_PAGE_BYTES.
    """
    query = select(Job).order_by(Job.id.desc()).limit(limit + 1)
    for column, value in ((Job.kind, kind), (Job.status, status), (Job.name, name)):
        if value is not None:
            query = query.where(column == value)
    if tag is not None:
        query = query.join(JobTag, JobTag.job_id == Job.id).where(JobTag.tag == tag)
    if before is not None:
        query = query.where(Job.id < before)
    with sessions.reading() as session:
        with closing(session.scalars(query.execution_options(yield_per=FETCHED_JOBS))) as found:
            jobs, has_more = _take_page(found, limit)
        return JobPage(jobs, has_more, _find_seconds_left(session, jobs))


def _take_page(found: Iterable[Job], limit: int) -> tuple[list[Job], bool]:
    """Returns the first jobs, and whether there are more."""
    page: list[Job] = []
    size = 0
    for job in found:
        size += len(orjson.dumps(job.spec))
        if page and (size > MAX_PAGE_BYTES or len(page) == limit):
            return page, True
        page.append(job)
    return page, False


def find_notice(sessions: Sessions, job: Job) -> str | None:
    """Returns why a queued job cannot run now, None if it can."""
    if job.status != JobStatus.QUEUED or job.queue != CUDA_QUEUE:
        return None  # without asking the database
    with sessions.reading() as session:
        return notice_for(session, job)


def find_curves(sessions: Sessions, job_id: str) -> Artifact | None:
    """Returns the file that holds all points of a sweep's curves; None if its result holds them.

    The result itself, megabytes of JSON, is not read. Raises JobNotFound; CurvesNotThere if no sweep has succeeded.
    """
    curves_of_result = Job.result["curves"].label("curves")
    query = select(Job.kind, Job.status, Job.stored_bytes, curves_of_result).where(Job.id == job_id)
    with sessions.reading() as session:
        found = session.execute(query).one_or_none()
    if found is None:
        raise job_not_found(job_id)
    if found.kind != "backprop_sweep" or found.status != JobStatus.SUCCEEDED:
        raise CurvesNotThere(
            f"Job {job_id} is a {in_words(found.kind, found.status)}; only a sweep that has succeeded has curves."
        )
    curves = found.curves
    if curves and not found.stored_bytes:
        raise CurvesNotThere(
            f"The curves of job {job_id} were removed because of their age (NUMERAL_CURVES_DAYS). Its result keeps the "
            "downsampled ones; the same spec gives the same curves again."
        )
    return Artifact(curves["artifact"], curves["sha256"], curves["size"]) if curves else None


def _find_seconds_left(session: Session, jobs: Iterable[Job]) -> dict[str, float | None]:
    """Returns for each search that runs when its trials will have ended, by `_seconds_left`.

    The row of a search cannot say: no worker has it while its trials run.
    """
    searches = [job for job in jobs if job.kind == "training_search" and job.status == JobStatus.RUNNING]
    return {search.id: _seconds_left(session, search) for search in searches}


def _seconds_left(session: Session, search: Job) -> float | None:
    """Returns the seconds that the rest of the trials take at the pace of those so far, parts of trials included: the
    time in which at least one ran, divided by their number. None while nothing of a trial is done."""
    columns = (Job.status, Job.queued_at, Job.started_at, Job.finished_at, Job.progress)
    trials = session.execute(select(*columns).where(Job.search_id == search.id, Job.search_role == TRIAL)).all()
    begun = [trial for trial in trials if trial.started_at and trial.status != JobStatus.QUEUED]
    ended = sum(JobStatus(trial.status).is_final for trial in trials)
    parts = sum(_share(trial.progress) for trial in begun if trial.status == JobStatus.RUNNING)
    done = parts + sum(trial.status != JobStatus.RUNNING for trial in begun)
    left = search.spec["trials"] - ended - parts
    if left <= 0:
        return 0.0
    now = database_now(session)
    spans = [(max(trial.started_at, trial.queued_at), trial.finished_at or now) for trial in begun]
    return round(left * _union(spans).total_seconds() / done, 1) if done else None


def _share(progress: dict[str, Any] | None) -> float:
    return progress["done"] / progress["total"] if progress else 0.0


def _union(spans: list[tuple[datetime, datetime]]) -> timedelta:
    """Returns how long at least one of the spans lasted."""
    total, until = timedelta(), datetime.min.replace(tzinfo=spans[0][0].tzinfo) if spans else datetime.min
    for start, end in sorted(spans):
        total += max(timedelta(), end - max(start, until))
        until = max(until, end)
    return total
