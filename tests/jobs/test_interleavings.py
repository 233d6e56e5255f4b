"""Whatever clients, workers and the dispatcher do, in whatever order: a job ends once, and only its owner moves it.

A stateful test (hypothesis): the rules are what the parties can do; the model is what a reader of the design expects.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select

from app.db import Sessions, database_now
from app.errors import JobAlreadyEnded, JobNotEnded, JobNotFound, JobSucceeded
from app.jobs import dispatcher, retries, runs, service
from app.jobs.lifecycle import TRANSITIONS, JobStatus
from app.jobs.specs import BackpropSweepSpec
from app.jobs.tables import Checkpoint, Job, JobEvent
from app.jobs.transitions import MAX_ATTEMPTS, Claim

ENDED = ("succeeded", "failed", "cancelled")


@dataclass
class Expected:
    """A job as it should be."""

    priority: int
    queued: int  # the number of its submission or retry
    status: str = "queued"
    attempt: int = 0
    failures: int = 0
    is_cancel_requested: bool = False
    is_due: bool = True
    epochs: list[int] = field(default_factory=list)
    steps: set[int] = field(default_factory=set)  # that have a checkpoint
    by: int | None = None  # the attempt whose result it has

    @property
    def order(self) -> tuple[int, int]:
        return (-self.priority, self.queued)


class Interleavings(RuleBasedStateMachine):
    sessions: Sessions
    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}
        self.submissions = 0
        with self.sessions.writing() as session:
            session.execute(delete(Job))

    def _count(self) -> int:
        self.submissions += 1
        return self.submissions

    # what clients do

    @rule(target=jobs, priority=st.sampled_from([0, 5, 9]))
    def submit(self, priority: int) -> str:
        job, _ = service.submit(self.sessions, BackpropSweepSpec(kind="backprop_sweep", priority=priority))
        self.expected[job.id] = Expected(priority, self._count())
        return job.id

    @rule(job=jobs)
    def cancel(self, job: str) -> None:
        found = self.expected.get(job)
        if found is None or found.status in ENDED:
            with pytest.raises((JobNotFound, JobAlreadyEnded)):
                service.cancel(self.sessions, job)
            return
        service.cancel(self.sessions, job)
        if found.status == "queued":
            found.status = "cancelled"
        else:
            found.is_cancel_requested = True

    @rule(job=jobs)
    def retry(self, job: str) -> None:
        found = self.expected.get(job)
        if found is None or found.status not in ("failed", "cancelled"):
            with pytest.raises((JobNotFound, JobNotEnded, JobSucceeded)):
                retries.retry(self.sessions, job)
            return
        retries.retry(self.sessions, job)
        found.status, found.failures, found.is_cancel_requested, found.is_due = "queued", 0, False, True
        found.queued = self._count()

    @rule(job=consumes(jobs))
    def delete(self, job: str) -> None:
        if self.expected[job].status in ENDED:
            service.delete(self.sessions, job)
            del self.expected[job]
        else:
            with pytest.raises(JobNotEnded):
                service.delete(self.sessions, job)

    # what workers do, with claims that may be long out of date

    @rule(target=claims, deliveries=st.integers(1, 3))
    def claim_next(self, deliveries: int) -> Claim | None:
        claim = None
        for _ in range(deliveries):
            waiting = [job for job, found in self.expected.items() if found.status == "queued" and found.is_due]
            claim = runs.claim_next(self.sessions, "sweeps", lease_seconds=3600)
            assert (claim is not None) == bool(waiting)
            if claim is not None:
                assert claim.job_id == min(waiting, key=lambda job: self.expected[job].order)
                found = self.expected[claim.job_id]
                found.status, found.attempt = "running", found.attempt + 1
                assert claim.attempt == found.attempt
        return claim

    def _owned(self, claim: Claim | None) -> Expected | None:
        """The job that this claim still owns."""
        found = self.expected.get(claim.job_id) if claim else None
        is_owner = found is not None and found.status == "running" and claim is not None
        return found if is_owner and claim is not None and found and found.attempt == claim.attempt else None

    @rule(claim=claims, epoch=st.integers(1, 3))
    def checkpoint(self, claim: Claim | None, epoch: int) -> None:
        if claim is None:
            return
        if owner := self._owned(claim):
            epoch = min(epoch, len(owner.epochs) + 1)  # again one that was reached before, or the next
        artifact = f"{claim.attempt}-{epoch}"
        owned = self._owned(claim)
        written = runs.record_checkpoint(
            self.sessions, claim, step=epoch, artifact=artifact, sha256="x", epochs=[{"epoch": epoch}]
        )
        assert written == (owned is not None)
        if owned:
            owned.steps.add(epoch)
        if owned and epoch == len(owned.epochs) + 1:
            owned.epochs.append(epoch)

    @rule(claim=claims, has_stepped=st.booleans())
    def renew(self, claim: Claim | None, has_stepped: bool) -> None:
        if claim is None:
            return
        lease = runs.renew(self.sessions, claim, lease_seconds=3600, has_stepped=has_stepped)
        owned = self._owned(claim)
        assert lease.is_held == (owned is not None)
        assert lease.is_cancel_requested == (owned is not None and owned.is_cancel_requested)

    @rule(claim=claims)
    def succeed(self, claim: Claim | None) -> None:
        if claim is None:
            return
        owned = self._owned(claim)
        assert runs.succeed(self.sessions, claim, lambda _: {"by": claim.attempt}) == (owned is not None)
        if owned:
            owned.status = "cancelled" if owned.is_cancel_requested else "succeeded"
            owned.by = claim.attempt if owned.status == "succeeded" else None

    @rule(claim=claims)
    def fail(self, claim: Claim | None) -> None:
        if claim is None:
            return
        owned = self._owned(claim)
        assert runs.fail(self.sessions, claim, reason="error", detail="no") == (owned is not None)
        if owned:
            owned.status = "failed"

    @rule(claim=claims, is_failure=st.booleans())
    def release(self, claim: Claim | None, is_failure: bool) -> None:
        if claim is None:
            return
        owned = self._owned(claim)
        released = runs.release(self.sessions, claim, counts_as_failure=is_failure, detail="later")
        assert released == (owned is not None)
        if owned:
            self._requeue(owned, is_failure=is_failure)
            owned.is_due = owned.is_due if not is_failure else owned.status != "queued"

    def _requeue(self, job: Expected, *, is_failure: bool) -> None:
        if job.is_cancel_requested:
            job.status = "cancelled"
        elif is_failure and job.failures + 1 >= MAX_ATTEMPTS:
            job.status = "failed"
        else:
            job.status = "queued"
            job.failures += 1 if is_failure else 0

    # what time and the dispatcher do

    @rule(job=jobs, column=st.sampled_from(["lease_until", "stepped_at", "deadline"]))
    def time_runs_out(self, job: str, column: str) -> None:
        found = self.expected.get(job)
        with self.sessions.writing() as session:
            row = session.get(Job, job)
            if row is not None and getattr(row, column) is not None:
                setattr(row, column, database_now(session) - timedelta(days=8))
            is_over = row is not None and row.deadline is not None and column == "deadline"
        dispatcher.reclaim(self.sessions, stall_seconds=3600)
        dispatcher.end_overdue(self.sessions)
        if found is None:
            return
        if is_over and found.status in ("queued", "running"):
            found.status = "cancelled" if found.is_cancel_requested and found.status == "running" else "failed"
        elif found.status == "running" and column != "deadline":
            self._requeue(found, is_failure=True)

    @rule(job=jobs, step=st.integers(1, 3))
    def garbage_is_collected(self, job: str, step: int) -> None:
        found = self.expected.get(job)
        if found and found.status in ENDED:
            with self.sessions.writing() as session:
                session.execute(delete(Checkpoint).where(Checkpoint.job_id == job, Checkpoint.step == step))
            found.steps.discard(step)

    @rule()
    def delays_end(self) -> None:
        with self.sessions.writing() as session:
            for row in session.scalars(select(Job)):
                row.run_after = None
        for found in self.expected.values():
            found.is_due = True

    # what holds after every step

    @invariant()
    def jobs_are_as_expected(self) -> None:
        with self.sessions.reading() as session:
            rows = {row.id: row for row in session.scalars(select(Job))}
            assert set(rows) == set(self.expected)
            for job, found in self.expected.items():
                row = rows[job]
                assert (row.status, row.attempt, row.failed_attempts) == (found.status, found.attempt, found.failures)
                assert row.result == ({"by": found.by} if found.status == "succeeded" else None)
                assert (row.lease_until is not None) == (found.status == "running")
                assert (row.finished_at is not None) == (found.status in ENDED)
                assert (row.error is not None) == (found.status == "failed")

    @invariant()
    def events_tell_the_whole_story_once(self) -> None:
        with self.sessions.reading() as session:
            for job, found in self.expected.items():
                query = select(JobEvent).where(JobEvent.job_id == job).order_by(JobEvent.number)
                events = list(session.scalars(query))
                assert [event.number for event in events] == list(range(1, len(events) + 1))
                told = [JobStatus(event.data["status"]) for event in events if event.event == "status"]
                assert all(after in TRANSITIONS[before] for before, after in pairwise(told))
                assert told[-1] == found.status
                assert [event.data["epoch"] for event in events if event.event == "epoch"] == found.epochs
                recorded = session.scalars(select(Checkpoint.step).where(Checkpoint.job_id == job))
                assert set(recorded) == found.steps


def test_no_order_of_events_breaks_a_promise(sessions: Sessions) -> None:
    machine = type("OnThisDatabase", (Interleavings,), {"sessions": sessions})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # no shrinking: on a database it takes longer than a test may
            suppress_health_check=list(HealthCheck),
        ),
    )
