"""When the dispatcher believes that a silent worker is lost."""

from datetime import timedelta

import pytest

from app.db import Sessions, database_now
from app.errors import StorageFull
from app.jobs import dispatcher as dispatcher_module
from app.jobs import service
from app.jobs.dispatcher import LEADER_FOR, OUTAGE_AFTER_SECONDS, RECOVERY_SECONDS, Dispatcher, take_lead
from app.jobs.specs import BackpropSweepSpec
from app.jobs.tables import Leader
from tests.fakes import RecordedNotifier
from tests.jobs.test_runs import expire
from tests.workers import claim


@pytest.fixture
def silent_job(sessions: Sessions) -> str:
    job_id = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))[0].id
    claim(sessions, job_id)
    expire(sessions, job_id)
    return job_id


class Clock:
    """Stands still until it is set forward."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def assert_workers_have_the_time_to_return(
    sessions: Sessions, job_id: str, dispatcher: Dispatcher, clock: Clock
) -> None:
    back = clock.now
    while clock.now < back + RECOVERY_SECONDS:
        dispatcher.tick()
        assert service.get(sessions, job_id).status == "running"
        clock.now += 1
    dispatcher.tick()
    assert service.get(sessions, job_id).status == "queued"


def test_silent_worker_loses_its_job_at_the_next_tick(sessions: Sessions, silent_job: str) -> None:
    Dispatcher(sessions, RecordedNotifier()).tick()
    assert service.get(sessions, silent_job).status == "queued"


def test_after_the_database_was_away_workers_have_the_time_to_renew_their_leases(
    sessions: Sessions, silent_job: str
) -> None:
    clock = Clock()
    dispatcher = Dispatcher(sessions, RecordedNotifier(), clock=clock)
    clock.now += OUTAGE_AFTER_SECONDS + 1  # no tick came through
    assert_workers_have_the_time_to_return(sessions, silent_job, dispatcher, clock)


def test_after_the_database_took_no_writes_workers_have_the_time_to_renew_their_leases(
    sessions: Sessions, silent_job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    dispatcher = Dispatcher(sessions, RecordedNotifier(), clock=clock)

    def refuse(*_: object) -> bool:
        raise StorageFull("The database's disk is full.")

    with monkeypatch.context() as full:
        full.setattr(dispatcher_module, "take_lead", refuse)
        while clock.now <= OUTAGE_AFTER_SECONDS:
            with pytest.raises(StorageFull):
                dispatcher.tick()
            clock.now += 1
    assert_workers_have_the_time_to_return(sessions, silent_job, dispatcher, clock)


def test_idle_dispatcher_keeps_its_lead_and_leaves_that_of_another(sessions: Sessions) -> None:
    clock = Clock()
    first, second = (Dispatcher(sessions, RecordedNotifier(), clock=clock) for _ in range(2))
    first.name, second.name = "first", "second"
    for _ in range(2 * int(LEADER_FOR.total_seconds())):
        first.tick()
        second.tick()
        with sessions.writing() as session:
            leader = session.get_one(Leader, "dispatch")
            assert leader.holder == "first"
            assert leader.until > database_now(session)
            leader.until -= timedelta(seconds=1)  # as if that time went by
        clock.now += 1


def test_dispatcher_that_was_idle_works_at_once_when_there_is_a_job(sessions: Sessions) -> None:
    dispatcher = Dispatcher(sessions, RecordedNotifier(), clock=lambda: 0.0)
    dispatcher.tick()
    job_id = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))[0].id
    claim(sessions, job_id)
    expire(sessions, job_id)
    dispatcher.tick()
    assert service.get(sessions, job_id).status == "queued"


@pytest.mark.parametrize(("left", "is_renewed"), [(0.6, False), (0.4, True), (-0.1, True)])
def test_lead_is_renewed_in_its_second_half(sessions: Sessions, left: float, is_renewed: bool) -> None:
    assert take_lead(sessions, "dispatch", "a")
    with sessions.writing() as session:
        leader = session.get_one(Leader, "dispatch")
        leader.until = until = database_now(session) + left * LEADER_FOR
    assert take_lead(sessions, "dispatch", "a")
    with sessions.reading() as session:
        assert (session.get_one(Leader, "dispatch").until > until) == is_renewed
