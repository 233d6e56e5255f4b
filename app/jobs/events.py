"""Reads the events of jobs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from app.db import Sessions
from app.jobs.lifecycle import JobStatus
from app.jobs.tables import Job, JobEvent
from app.jobs.transitions import job_not_found


class EventPage(NamedTuple):
    """Events in order, and whether they are the last of their job."""

    events: Sequence[JobEvent]
    is_last: bool


def read_events(sessions: Sessions, job_id: str, *, after: int = 0, limit: int = 1000) -> EventPage:
    """Returns the job's events past number `after`. Raises JobNotFound."""
    with sessions.reading() as session:
        job = session.execute(select(Job.status, Job.events).where(Job.id == job_id)).one_or_none()
        if job is None:
            raise job_not_found(job_id)
        after = min(after, job.events)  # a number past the end must not skip later events
        query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.number > after)
        events = list(session.scalars(query.order_by(JobEvent.number).limit(limit)))
    newest = events[-1].number if events else after
    return EventPage(events, JobStatus(job.status).is_final and newest >= job.events)


def event_data(sessions: Sessions, job_id: str, event: str) -> list[dict[str, Any]]:
    """Returns the data of the job's events of one name, in order."""
    query = select(JobEvent.data).where(JobEvent.job_id == job_id, JobEvent.event == event)
    with sessions.reading() as session:
        return list(session.scalars(query.order_by(JobEvent.number)))


def newest_events(sessions: Sessions, job_ids: list[str]) -> dict[str, tuple[int, bool]]:
    """Returns for each of the jobs that exists: the number of its newest event, and whether it has ended."""
    with sessions.reading() as session:
        found = session.execute(select(Job.id, Job.events, Job.status).where(Job.id.in_(job_ids)))
        return {row.id: (row.events, JobStatus(row.status).is_final) for row in found}
