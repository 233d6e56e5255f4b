"""Removes the curves of sweeps that ended long ago. Their results, with the downsampled curves, stay.

The row is changed before the file is deleted: an interrupted run leaves a file that no row names, for `numeral gc`.
"""

from datetime import timedelta

from sqlalchemy import select, update

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.tables import Job
from app.storage import Storage

MAX_REMOVED_AT_ONCE = 100  # the next run removes more


def remove_old_curves(sessions: Sessions, storage: Storage, *, days: int) -> int:
    """Remove the curves of sweeps that ended more than `days` days ago. Returns how many were removed."""
    with sessions.reading() as session:
        has_curves = (Job.stored_bytes > 0) & (Job.kind == "backprop_sweep") & (Job.status == JobStatus.SUCCEEDED)
        is_old = Job.finished_at < database_now(session) - timedelta(days=days)
        query = select(Job.id, Job.result["curves"]["artifact"].as_string()).where(has_curves, is_old)
        old = session.execute(query.order_by(Job.id).limit(MAX_REMOVED_AT_ONCE)).all()
    for job_id, artifact in old:
        with sessions.writing() as session:
            session.execute(update(Job).where(Job.id == job_id).values(stored_bytes=0))
        storage.delete(artifact)
    return len(old)
