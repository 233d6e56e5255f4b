"""The dispatcher: requeues the jobs of lost workers and repeats lost notifications. Two at once do no harm."""

import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from app.db import Sessions, database_now
from app.jobs.lifecycle import OPEN, JobStatus
from app.jobs.notifier import WorkerNotifier
from app.jobs.routing import GPU_WAIT_SECONDS, count_offers
from app.jobs.tables import DISPATCH, Job, Leader
from app.jobs.transitions import MAX_ATTEMPTS, Claim, cancel_job, fail_job, is_due, is_suspended, move, requeue

LEADER_FOR = timedelta(seconds=5)
NOTIFICATION_STALE_AFTER = timedelta(seconds=5)
OUTAGE_AFTER_SECONDS = 2.5  # without an answer from the database, which every tick asks, once a second
RECOVERY_SECONDS = 6.0  # for the workers to renew their leases after an outage, which they do every 5 s at most
ANY_OPEN = select(Job.id).where(Job.status.in_(OPEN)).limit(1)  # built once


def _boot_time() -> float:
    """A monotonic clock that includes the machine's sleep, on Linux: workers renew no lease while it sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Dispatcher:
    """Every API process calls `tick` about once a second; the one that leads does the work."""

    def __init__(
        self,
        sessions: Sessions,
        notifier: WorkerNotifier,
        *,
        stall_seconds: float = 600.0,
        gpu_wait_seconds: float = GPU_WAIT_SECONDS,
        on_lost: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = _boot_time,
    ) -> None:
        self._sessions, self._notifier, self._stall_seconds = sessions, notifier, stall_seconds
        self._gpu_wait_seconds, self._on_lost, self._clock = gpu_wait_seconds, on_lost, clock
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._answered_at = self._reclaim_from = self._lead_again_at = clock()

    def tick(self) -> None:
        is_busy = has_open(self._sessions)  # an idle service does little more than this
        is_leader = (is_busy or self._clock() >= self._lead_again_at) and self._lead()
        if self._clock() > self._answered_at + OUTAGE_AFTER_SECONDS:
            # the workers could not renew their leases either: an expired one proves nothing yet
            self._reclaim_from = self._clock() + RECOVERY_SECONDS
        try:
            if is_leader and is_busy:
                self._dispatch()
        finally:
            self._answered_at = self._clock()

    def _lead(self) -> bool:
        is_leader = take_lead(self._sessions, DISPATCH, self.name)
        self._lead_again_at = self._clock() + LEADER_FOR.total_seconds() / 2
        return is_leader

    def _dispatch(self) -> None:
        if self._clock() >= self._reclaim_from:
            reclaim(self._sessions, stall_seconds=self._stall_seconds, on_lost=self._on_lost)
        end_overdue(self._sessions)
        end_orphans(self._sessions)
        for queue, count in count_due(self._sessions).items():  # includes those that were just requeued
            self._repeat_notifications(queue, count)
        for queue, count in count_offers(self._sessions, gpu_wait_seconds=self._gpu_wait_seconds).items():
            self._offer(queue, count)

    def _repeat_notifications(self, queue: str, due: int) -> None:
        """Notify again if the broker holds fewer messages than there are jobs due: then some were lost."""
        depth = self._notifier.depth(queue)
        if depth is None or depth >= due:
            return
        for _ in renew_stale_notifications(self._sessions, queue):
            self._notifier.notify(queue)

    def _offer(self, queue: str, jobs: int) -> None:
        """Notify the workers of `queue` of jobs that wait in another one, unless they have messages already."""
        if jobs and self._notifier.depth(queue) == 0:
            for _ in range(jobs):
                self._notifier.notify(queue)


def take_lead(sessions: Sessions, duty: str, name: str) -> bool:
    """Take or keep the lease of `duty`, by the database's clock. Returns False while another process holds it."""
    try:
        with sessions.writing() as session:
            now = database_now(session)
            leader = session.get(Leader, duty, with_for_update=True)
            if leader is None:
                session.add(Leader(duty=duty, holder=name, until=now + LEADER_FOR))
            elif leader.holder != name and leader.until >= now:
                return False
            elif leader.holder != name or leader.until < now + LEADER_FOR / 2:  # saves an UPDATE at most ticks
                leader.holder, leader.until = name, now + LEADER_FOR
        return True
    except IntegrityError:  # another process inserted the first row
        return False


def reclaim(sessions: Sessions, *, stall_seconds: float, on_lost: Callable[[str], None] = lambda _: None) -> list[str]:
    """Take running jobs from workers whose lease expired, or that made no progress for `stall_seconds`.

    Calls `on_lost` with the reason for each of them. Returns the ids of those that are queued again.
    """
    requeued, reasons = [], []
    with sessions.writing() as session:
        now = database_now(session)
        is_lost = Job.lease_until < now
        is_stalled = Job.stepped_at < now - timedelta(seconds=stall_seconds)
        stuck = select(Job).where(Job.status == JobStatus.RUNNING, is_lost | is_stalled)
        for job in session.scalars(stuck.with_for_update(skip_locked=True)).all():
            claim = Claim(job.id, job.attempt, job.kind, job.spec)
            reason, cause = "worker_lost", "The worker was lost"
            if job.lease_until is not None and job.lease_until >= now:
                reason, cause = "stalled", f"The worker made no step in {stall_seconds:g} seconds"
            reasons.append(reason)
            failed = job.failed_attempts + 1
            if job.is_cancel_requested:
                cancel_job(session, claim)
            elif failed >= MAX_ATTEMPTS:
                fail_job(session, job.id, reason, f"{cause}; this was the last of {MAX_ATTEMPTS} tries.", claim=claim)
            elif requeue(session, job.id, f"{cause}; the job will run again.", claim=claim, failed_attempts=failed):
                requeued.append(job.id)
    for reason in reasons:
        on_lost(reason)
    return requeued


def end_overdue(sessions: Sessions) -> None:
    """Fail the jobs that are past their time limit. The worker of a running one notices at its next step."""
    with sessions.writing() as session:
        overdue = select(Job).where(Job.deadline < database_now(session))  # an ended job has no deadline
        for job in session.scalars(overdue.with_for_update(skip_locked=True)).all():
            claim = Claim(job.id, job.attempt, job.kind, job.spec) if job.status == JobStatus.RUNNING else None
            detail = "Its time limit was over before it ended."
            if job.is_cancel_requested and claim:
                cancel_job(session, claim)
            else:
                fail_job(session, job.id, "time_limit", detail, claim=claim)


def end_orphans(sessions: Sessions) -> None:
    """Cancel the trials of searches that have ended: at once, or at the next batch of those that run."""
    search = aliased(Job)
    open_trials = select(Job).join(search, Job.search_id == search.id).where(Job.status.in_(OPEN))
    orphans = open_trials.where(search.status.not_in(OPEN), Job.is_cancel_requested.is_(False))
    with sessions.writing() as session:
        for job in session.scalars(orphans.with_for_update(of=Job, skip_locked=True)).all():
            if not move(session, job.id, JobStatus.CANCELLED, only_from=JobStatus.QUEUED):
                job.is_cancel_requested = True


def renew_stale_notifications(sessions: Sessions, queue: str, *, limit: int = 100) -> list[str]:
    """Mark the first jobs of a queue whose notification is stale as notified now. Returns their ids."""
    with sessions.writing() as session:
        now = database_now(session)
        is_stale = Job.notified_at.is_(None) | (Job.notified_at < now - NOTIFICATION_STALE_AFTER)
        stale = select(Job).where(_is_waiting(), Job.queue == queue, is_stale, is_due(now))
        first = stale.order_by(Job.queue_order, Job.id).limit(limit).with_for_update(skip_locked=True)
        jobs = session.scalars(first).all()
        for job in jobs:
            job.notified_at = now
        return [job.id for job in jobs]


def has_open(sessions: Sessions) -> bool:
    """Whether any job is queued or running."""
    with sessions.reading() as session:
        return session.scalar(ANY_OPEN) is not None


def count_due(sessions: Sessions) -> dict[str, int]:
    """Returns for each queue the number of queued and suspended jobs that could run now."""
    with sessions.reading() as session:
        is_waiting = _is_waiting() & is_due(database_now(session))
        counts = select(Job.queue, func.count().label("due")).where(is_waiting).group_by(Job.queue)
        return {row.queue: row.due for row in session.execute(counts)}


def _is_waiting() -> Any:
    return or_(Job.status == JobStatus.QUEUED, is_suspended())
