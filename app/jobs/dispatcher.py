"""The dispatcher: takes jobs from silent workers and repeats lost hints. Two at once do no harm."""

import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.db import Sessions, database_now
from app.jobs.lifecycle import JobStatus
from app.jobs.notifier import WorkerNotifier
from app.jobs.tables import Job, Leader
from app.jobs.transitions import MAX_ATTEMPTS, Claim, cancel_job, fail_job, is_rested, requeue

LEADER_FOR = timedelta(seconds=5)
HINT_STALE_AFTER = timedelta(seconds=5)
AWAY_AFTER_SECONDS = 2.5  # without an answer from the database, which is asked every second
RETURN_SECONDS = 6.0  # for the workers to renew their leases, which they do every 5 s at most
ANY_OPEN = select(Job.id).where(Job.status.in_((JobStatus.QUEUED, JobStatus.RUNNING))).limit(1)  # made once


def _seconds() -> float:
    """A clock that goes on while the machine sleeps, where there is one: no worker renews its lease then either."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Dispatcher:
    """`tick` is to be called about once a second by every API process; one of them does the work."""

    def __init__(
        self,
        sessions: Sessions,
        queue: WorkerNotifier,
        *,
        stall_seconds: float = 600.0,
        on_lost: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = _seconds,
    ) -> None:
        self.sessions, self.queue, self.stall_seconds = sessions, queue, stall_seconds
        self._on_lost = on_lost
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._clock = clock
        self._answered = clock()
        self._reclaims_from = self._leads_again = clock()

    def tick(self) -> None:
        is_busy = has_open(self.sessions)  # an idle service does little more than this every second
        is_leader = (is_busy or self._clock() >= self._leads_again) and self._lead()
        if self._clock() > self._answered + AWAY_AFTER_SECONDS:
            # no worker could renew its lease either: silence means nothing until they have had the time to
            self._reclaims_from = self._clock() + RETURN_SECONDS
        try:
            if is_leader and is_busy:
                self._dispatch()
        finally:
            self._answered = self._clock()

    def _lead(self) -> bool:
        is_leader = take_lead(self.sessions, "dispatch", self.name)
        self._leads_again = self._clock() + LEADER_FOR.total_seconds() / 2
        return is_leader

    def _dispatch(self) -> None:
        if self._clock() >= self._reclaims_from:
            reclaim(self.sessions, stall_seconds=self.stall_seconds, on_lost=self._on_lost)
        end_overdue(self.sessions)
        for queue, count in count_waiting(self.sessions).items():  # with those that were just given back
            self._repeat_hints(queue, count)

    def _repeat_hints(self, queue: str, waiting: int) -> None:
        """Hint again where Redis holds fewer hints than jobs are queued: then some were lost."""
        depth = self.queue.depth(queue)
        if depth is None or depth >= waiting:  # the broker is away, or nothing was lost
            return
        for job_id, kind in take_stale_hints(self.sessions, queue):
            self.queue.hint(job_id, kind, queue)


def take_lead(sessions: Sessions, duty: str, name: str) -> bool:
    """Whether `name` leads `duty` for the next seconds, by the database's clock."""
    try:
        with sessions.writing() as session:
            now = database_now(session)
            leader = session.get(Leader, duty, with_for_update=True)
            if leader is None:
                session.add(Leader(duty=duty, holder=name, until=now + LEADER_FOR))
            elif leader.holder != name and leader.until >= now:
                return False
            elif leader.holder != name or leader.until < now + LEADER_FOR / 2:  # an UPDATE less in most seconds
                leader.holder, leader.until = name, now + LEADER_FOR
        return True
    except IntegrityError:  # somebody else was the first ever
        return False


def reclaim(sessions: Sessions, *, stall_seconds: float, on_lost: Callable[[str], None] = lambda _: None) -> list[str]:
    """Take running jobs from workers that have fallen silent, or live but have not moved for `stall_seconds`; the ids
    of those that are queued again. `on_lost` is told of each job taken, with the reason."""
    requeued, reasons = [], []
    with sessions.writing() as session:
        now = database_now(session)
        is_lost = Job.lease_until < now
        is_stalled = Job.stepped_at < now - timedelta(seconds=stall_seconds)
        stuck = select(Job).where(Job.status == JobStatus.RUNNING, is_lost | is_stalled)
        for job in session.scalars(stuck.with_for_update(skip_locked=True)).all():
            claim = Claim(job.id, job.attempt, job.kind, job.spec)
            reason, what = ("worker_lost", "The worker was lost")
            if job.lease_until is not None and job.lease_until >= now:
                reason, what = ("stalled", f"The worker made no step in {stall_seconds:g} seconds")
            reasons.append(reason)
            if job.is_cancel_requested:
                cancel_job(session, claim)
            elif job.charged_attempts >= MAX_ATTEMPTS:
                fail_job(session, job.id, reason, f"{what}; this was the last of {MAX_ATTEMPTS} tries.", claim=claim)
            elif requeue(session, job.id, f"{what}; the job will run again.", claim=claim):
                requeued.append(job.id)
    for reason in reasons:
        on_lost(reason)
    return requeued


def end_overdue(sessions: Sessions) -> None:
    """Fail the jobs whose time limit is over. One that still runs ends at its worker's next step."""
    with sessions.writing() as session:
        overdue = select(Job).where(Job.deadline < database_now(session))  # an ended job has none
        for job in session.scalars(overdue.with_for_update(skip_locked=True)).all():
            claim = Claim(job.id, job.attempt, job.kind, job.spec) if job.status == JobStatus.RUNNING else None
            detail = "Its time limit was over before it ended."
            if job.is_cancel_requested and claim:
                cancel_job(session, claim)
            else:
                fail_job(session, job.id, "time_limit", detail, claim=claim)


def take_stale_hints(sessions: Sessions, queue: str, *, limit: int = 100) -> list[tuple[str, str]]:
    """(id, kind) of the oldest queued jobs whose last hint is old; they count as hinted from now."""
    with sessions.writing() as session:
        now = database_now(session)
        is_stale = Job.hinted_at.is_(None) | (Job.hinted_at < now - HINT_STALE_AFTER)
        stale = select(Job).where(Job.status == JobStatus.QUEUED, Job.queue == queue, is_stale, is_rested(now))
        jobs = session.scalars(stale.order_by(Job.turn, Job.id).limit(limit).with_for_update(skip_locked=True)).all()
        for job in jobs:
            job.hinted_at = now
        return [(job.id, job.kind) for job in jobs]


def has_open(sessions: Sessions) -> bool:
    """Whether any job is queued or running."""
    with sessions.reading() as session:
        return session.scalar(ANY_OPEN) is not None


def count_waiting(sessions: Sessions) -> dict[str, int]:
    """For each queue: how many queued jobs wait for a worker and could run now."""
    with sessions.reading() as session:
        is_waiting = (Job.status == JobStatus.QUEUED) & is_rested(database_now(session))
        counts = select(Job.queue, func.count().label("waiting")).where(is_waiting).group_by(Job.queue)
        return {row.queue: row.waiting for row in session.execute(counts)}
