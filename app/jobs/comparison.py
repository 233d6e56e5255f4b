"""Compares trainings: their specs where they differ, their epochs, and how they ended."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.db import Sessions
from app.errors import InvalidInput
from app.jobs.lifecycle import KINDS
from app.jobs.tables import Job, JobEvent
from app.jobs.transitions import job_not_found

MAX_COMPARED = 20
NOT_COMPARED = ("name", "tags", "priority", "time_limit_seconds")  # fields of a spec that change no result


class Comparison(NamedTuple):
    """The jobs in the order asked for, the epochs of each, and each field of the specs in which they differ."""

    jobs: list[Job]
    epochs: dict[str, list[dict[str, Any]]]
    differences: dict[str, list[Any]]


def compare(sessions: Sessions, job_ids: Sequence[str]) -> Comparison:
    """Raises JobNotFound, InvalidInput if a job is no training."""
    with sessions.reading() as session:
        found = session.scalars(select(Job).where(Job.id.in_(job_ids)).options(undefer(Job.result)))
        by_id = {job.id: job for job in found}
        for job_id in job_ids:
            if job_id not in by_id:
                raise job_not_found(job_id)
            if by_id[job_id].kind != "mnist_training":
                raise InvalidInput(
                    f"Job {job_id} is a {KINDS[by_id[job_id].kind]}; only trainings can be compared.",
                    location="query.ids",
                )
        events = select(JobEvent.job_id, JobEvent.data).where(JobEvent.job_id.in_(job_ids), JobEvent.event == "epoch")
        epochs: dict[str, list[dict[str, Any]]] = {job_id: [] for job_id in job_ids}
        for event in session.execute(events.order_by(JobEvent.job_id, JobEvent.number)):
            epochs[event.job_id].append(event.data)
    jobs = [by_id[job_id] for job_id in job_ids]
    return Comparison(jobs, epochs, _find_differences([job.spec for job in jobs]))


def _find_differences(specs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Returns the values of each field in which the specs differ; None where an older spec lacks it."""
    names = [name for name in dict.fromkeys(name for spec in specs for name in spec) if name not in NOT_COMPARED]
    values = {name: [spec.get(name) for spec in specs] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}
