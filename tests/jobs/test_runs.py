from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from app.db import Sessions, database_now
from app.jobs import runs, service
from app.jobs.dispatcher import Dispatcher, end_overdue, take_lead
from app.jobs.dispatcher import reclaim as reclaim_stuck
from app.jobs.events import event_data, read_events
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec
from app.jobs.tables import Checkpoint, Job
from app.jobs.transitions import MAX_ATTEMPTS, get_job
from tests.fakes import RecordedNotifier
from tests.workers import claim


@pytest.fixture
def job_id(sessions: Sessions) -> str:
    return submit(sessions)


def submit(sessions: Sessions, **options: int) -> str:
    return service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep", **options))[0].id


def reclaim(sessions: Sessions, *, stall_seconds: float = 600) -> list[str]:
    return reclaim_stuck(sessions, stall_seconds=stall_seconds)


def expire(sessions: Sessions, job_id: str) -> None:
    with sessions.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(lease_until=database_now(session).replace(year=2000))
        )


def statuses(sessions: Sessions, job_id: str) -> list[str]:
    return [event.data["status"] for event in read_events(sessions, job_id)[0] if event.event == "status"]


def test_of_many_claimants_one_wins(sessions: Sessions, job_id: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        claims = list(pool.map(lambda _: runs.claim_next(sessions, "sweeps", lease_seconds=30), range(10)))
    assert [found.job_id for found in claims if found] == [job_id]


def test_lost_worker_can_change_nothing(sessions: Sessions, job_id: str) -> None:
    zombie = claim(sessions, job_id)
    expire(sessions, job_id)
    assert reclaim(sessions) == [job_id]
    living = claim(sessions, job_id)
    assert living.attempt == zombie.attempt + 1
    before = [event.number for event in read_events(sessions, job_id)[0]]
    assert not runs.renew(sessions, zombie, lease_seconds=30, progress={"done": 1, "total": 1, "unit": "x"}).is_held
    assert not runs.check(sessions, zombie).is_held
    assert not runs.report(sessions, zombie, "log", {"message": "boo"})
    assert not runs.record_checkpoint(sessions, zombie, step=1, artifact="a", sha256="b", epochs=[{"epoch": 1}])
    assert not runs.succeed(sessions, zombie, lambda _: {"stolen": True})
    assert not runs.fail(sessions, zombie, reason="error", detail="boo")
    assert not runs.end_cancelled(sessions, zombie)
    assert not runs.release(sessions, zombie, counts_as_failure=True, detail="boo")
    assert [event.number for event in read_events(sessions, job_id)[0]] == before
    assert runs.succeed(sessions, living, lambda _: {"mine": True})
    assert service.get(sessions, job_id).result == {"mine": True}


def test_what_finish_writes_falls_with_the_job(sessions: Sessions, job_id: str) -> None:
    living = claim(sessions, job_id)
    with pytest.raises(ZeroDivisionError):
        runs.succeed(sessions, living, lambda _: {"never": 1 / 0})
    assert service.get(sessions, job_id).status == "running"


def test_job_whose_workers_are_lost_fails_after_three_tries(sessions: Sessions, job_id: str) -> None:
    for _ in range(MAX_ATTEMPTS):
        claim(sessions, job_id)
        expire(sessions, job_id)
        reclaim(sessions)
    job = service.get(sessions, job_id)
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["reason"] == "worker_lost"


def test_release_by_a_stopping_worker_does_not_count_as_a_failure(sessions: Sessions, job_id: str) -> None:
    for _ in range(MAX_ATTEMPTS + 2):
        assert runs.release(sessions, claim(sessions, job_id), counts_as_failure=False, detail="stopping")
    assert service.get(sessions, job_id).status == "queued"


def test_job_that_raises_each_time_fails_with_its_error(sessions: Sessions, job_id: str) -> None:
    for _ in range(MAX_ATTEMPTS):
        runs.release(sessions, claim(sessions, job_id), counts_as_failure=True, detail="ValueError: no")
    job = service.get(sessions, job_id)
    assert (job.status, job.error) == ("failed", {"reason": "error", "detail": "ValueError: no"})


def test_job_of_a_lost_worker_that_was_to_be_cancelled_ends_cancelled(sessions: Sessions, job_id: str) -> None:
    claim(sessions, job_id)
    service.cancel(sessions, job_id)
    expire(sessions, job_id)
    assert reclaim(sessions) == []
    assert service.get(sessions, job_id).status == "cancelled"


def test_lost_worker_cannot_release_a_job_that_was_deleted(sessions: Sessions, job_id: str) -> None:
    zombie = claim(sessions, job_id)
    assert runs.fail(sessions, claim=zombie, reason="error", detail="no")
    service.delete(sessions, job_id)
    assert not runs.release(sessions, zombie, counts_as_failure=True, detail="boo")


def test_living_lease_is_not_reclaimed(sessions: Sessions, job_id: str) -> None:
    claim(sessions, job_id)
    assert reclaim(sessions) == []


def test_epoch_reached_twice_is_reported_once(sessions: Sessions, job_id: str) -> None:
    living = claim(sessions, job_id)
    for artifact in ("first", "second"):
        assert runs.record_checkpoint(sessions, living, step=10, artifact=artifact, sha256="x", epochs=[{"epoch": 1}])
    with sessions.writing() as session:  # as numeral gc does once the job has ended, before somebody tries it again
        session.execute(delete(Checkpoint))
    assert runs.record_checkpoint(sessions, living, step=10, artifact="second", sha256="x", epochs=[{"epoch": 1}])
    assert event_data(sessions, job_id, "epoch") == [{"epoch": 1}]
    assert [checkpoint.artifact for checkpoint in runs.checkpoints(sessions, job_id)] == ["second"]


def test_events_are_numbered_without_a_gap(sessions: Sessions, job_id: str) -> None:
    living = claim(sessions, job_id)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: runs.report(sessions, living, "log", {"message": str(i)}), range(40)))
    runs.succeed(sessions, living, lambda _: {})
    events, is_complete = read_events(sessions, job_id)
    assert [event.number for event in events] == list(range(1, 44))
    assert is_complete
    assert statuses(sessions, job_id) == ["queued", "running", "succeeded"]


def test_dispatcher_notifies_of_a_requeued_job_at_once_and_only_once(sessions: Sessions, job_id: str) -> None:
    notifier = RecordedNotifier()
    dispatcher = Dispatcher(sessions, notifier)
    dispatcher.tick()  # submitted a moment ago: its first notification is not stale
    assert notifier.notified == []
    claim(sessions, job_id)
    expire(sessions, job_id)
    dispatcher.tick()
    assert notifier.notified == ["sweeps"]
    dispatcher.tick()
    assert notifier.notified == ["sweeps"]


def test_only_one_of_two_dispatchers_leads(sessions: Sessions) -> None:
    assert take_lead(sessions, "dispatch", "a")
    assert not take_lead(sessions, "dispatch", "b")
    assert take_lead(sessions, "dispatch", "a")


def test_job_that_was_to_be_cancelled_ends_so_however_its_run_ends(sessions: Sessions) -> None:
    spec = BackpropSweepSpec(kind="backprop_sweep")
    for end in (
        lambda living: runs.succeed(sessions, living, lambda _: pytest.fail("it was finished")),
        lambda living: runs.release(sessions, living, counts_as_failure=True, detail="error"),
        lambda living: runs.release(sessions, living, counts_as_failure=False, detail="stopping"),
    ):
        job, _ = service.submit(sessions, spec)
        living = claim(sessions, job.id)
        service.cancel(sessions, job.id)
        assert end(living)
        assert service.get(sessions, job.id).status == "cancelled"


def test_reader_ahead_of_the_events_misses_none_that_are_to_come(sessions: Sessions, job_id: str) -> None:
    assert read_events(sessions, job_id, after=99) == ([], False)
    service.cancel(sessions, job_id)
    assert read_events(sessions, job_id, after=99) == ([], True)


def wind_back(sessions: Sessions, job_id: str, **columns: timedelta) -> None:
    """Make times of the job earlier than they were."""
    with sessions.writing() as session:
        job = get_job(session, job_id)
        for name, by in columns.items():
            setattr(job, name, getattr(job, name) - by)


def test_claims_follow_priority_then_age(sessions: Sessions) -> None:
    ids = [submit(sessions, priority=priority) for priority in (5, 0, 9, 5)]
    taken = [runs.claim_next(sessions, "sweeps", lease_seconds=30) for _ in range(5)]
    assert [found and found.job_id for found in taken] == [ids[2], ids[0], ids[3], ids[1], None]


def test_who_waits_long_enough_comes_before_the_urgent(sessions: Sessions) -> None:
    patient, _urgent = submit(sessions, priority=0), submit(sessions, priority=9)
    wind_back(sessions, patient, queue_order=timedelta(minutes=91))
    first = runs.claim_next(sessions, "sweeps", lease_seconds=30)
    assert first is not None
    assert first.job_id == patient


def test_jobs_of_another_queue_are_not_claimed(sessions: Sessions, job_id: str) -> None:
    training, _ = service.submit(sessions, MnistTrainingSpec(kind="mnist_training"))
    claimed = runs.claim_next(sessions, "training", lease_seconds=30)
    assert claimed is not None
    assert (claimed.job_id, claimed.kind) == (training.id, "mnist_training")
    assert runs.claim_next(sessions, "training", lease_seconds=30) is None
    assert service.get(sessions, job_id).status == "queued"


def test_of_many_claims_at_once_each_takes_another_job(sessions: Sessions) -> None:
    ids = [submit(sessions) for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(lambda _: runs.claim_next(sessions, "sweeps", lease_seconds=30), range(20)))
    assert {found.job_id for found in taken if found} == set(ids)


def test_failed_attempt_is_repeated_after_a_delay(sessions: Sessions, job_id: str) -> None:
    runs.release(sessions, claim(sessions, job_id), counts_as_failure=True, detail="OSError: away")
    notifier = RecordedNotifier()
    Dispatcher(sessions, notifier).tick()
    assert runs.claim_next(sessions, "sweeps", lease_seconds=30) is None
    assert notifier.notified == []
    wind_back(sessions, job_id, run_after=timedelta(seconds=30))
    Dispatcher(sessions, notifier).tick()
    assert notifier.notified == ["sweeps"]
    assert runs.claim_next(sessions, "sweeps", lease_seconds=30) is not None


def test_job_that_makes_no_step_is_given_to_another_worker_and_fails_as_stalled(
    sessions: Sessions, job_id: str
) -> None:
    for attempt in range(MAX_ATTEMPTS):
        hung = claim(sessions, job_id)
        wind_back(sessions, job_id, stepped_at=timedelta(seconds=601))
        assert runs.renew(sessions, hung, lease_seconds=30, has_stepped=False).is_held
        assert reclaim(sessions) == ([job_id] if attempt + 1 < MAX_ATTEMPTS else [])
        assert not runs.renew(sessions, hung, lease_seconds=30, has_stepped=False).is_held
    error = service.get(sessions, job_id).error
    assert error is not None
    assert error["reason"] == "stalled"


def test_job_that_steps_is_not_stalled(sessions: Sessions, job_id: str) -> None:
    slow = claim(sessions, job_id)
    wind_back(sessions, job_id, stepped_at=timedelta(seconds=601))
    runs.renew(sessions, slow, lease_seconds=30)
    assert reclaim(sessions) == []
    assert service.get(sessions, job_id).status == "running"


@pytest.mark.parametrize("is_running", [True, False])
def test_job_past_its_time_limit_fails_wherever_it_is(sessions: Sessions, job_id: str, is_running: bool) -> None:
    held = claim(sessions, job_id)
    if not is_running:
        runs.release(sessions, held, counts_as_failure=False, detail="stopping")
    end_overdue(sessions)
    assert service.get(sessions, job_id).error is None
    wind_back(sessions, job_id, deadline=timedelta(days=1, seconds=1))
    end_overdue(sessions)
    job = service.get(sessions, job_id)
    assert job.error is not None
    assert (job.status, job.error["reason"], job.deadline) == ("failed", "time_limit", None)
    assert not runs.succeed(sessions, held, lambda _: {"late": True})


def test_events_of_one_name_are_written_once_however_often_they_are_sent(sessions: Sessions, job_id: str) -> None:
    living = claim(sessions, job_id)
    trials = [{"learning_rate": rate} for rate in (0.1, 0.2, 0.5, 0.8)]
    for first, last in ((0, 2), (0, 2), (1, 3), (2, 4), (0, 4)):
        assert runs.report_all(sessions, living, "trial", trials[first:last], first=first)
    assert event_data(sessions, job_id, "trial") == trials
    events, _ = read_events(sessions, job_id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
