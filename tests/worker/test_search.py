"""Searches, step by step. What trains is played: a trial's value follows from its settings."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from app.db import Sessions, database_now
from app.errors import (
    IdempotencyKeyReused,
    InvalidInput,
    JobInUse,
    JobNotEnded,
    JobSucceeded,
    QuotaReached,
    TrialsNotThere,
)
from app.jobs import queries, retries, runs, searches, service
from app.jobs.dispatcher import Dispatcher, count_due, end_orphans, reclaim
from app.jobs.events import event_data
from app.jobs.overview import read_overview
from app.jobs.quotas import Quota
from app.jobs.retries import retry_with_changes
from app.jobs.searches import Trial, is_promoted, is_rung
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec, TrainingSearchSpec
from app.jobs.specs.training import CHECKPOINT_BYTES, MODEL_BYTES
from app.jobs.tables import Checkpoint, Job
from app.jobs.transitions import Claim, get_job
from app.registry import aliases
from app.registry import service as registry
from app.storage import Storage
from models.training import environment
from tests.fakes import RecordedNotifier
from tests.jobs.test_runs import expire
from tests.workers import claim
from worker.proposals import propose
from worker.runner import ClaimLost, Finish, Run, run_next
from worker.search import advance
from worker.training import train

SPACE = {"learning_rate": {"low": 0.001, "high": 1.0, "log": True}, "batch_size": {"values": [32, 64, 128]}}


class Killed(BaseException):
    """The process is no more."""


def submit(sessions: Sessions, **fields: Any) -> str:
    spec = {"kind": "training_search", "space": SPACE, "base": {"epochs": 9, "dataset": "optdigits"}, "trials": 3}
    return service.submit(sessions, TrainingSearchSpec.model_validate(spec | fields))[0].id


def work(run: Run, *, max_queued: int = 1000) -> Finish:
    return advance(run, max_queued=max_queued)


def step(sessions: Sessions, work: Callable[[Run], Finish] = work) -> None:
    run_next(sessions, "searches", {"training_search": work})


def value_of(spec: dict[str, Any]) -> float:
    return 0.9 - abs(spec["learning_rate"] - 0.1) / 20 + spec["batch_size"] / 10_000


def end_training(sessions: Sessions, claimed: Claim) -> None:
    trial = {"value": value_of(claimed.spec), "pruned": False}
    tested = {"model_version": "7", "test": {"accuracy": 0.98}, "promoted": False}
    assert runs.succeed(sessions, claimed, lambda _: trial if claimed.is_trial else tested)


def open_trainings(sessions: Sessions, search_id: str) -> list[str]:
    with sessions.reading() as session:
        jobs = session.query(Job).where(Job.search_id == search_id, Job.status == "queued").order_by(Job.id)
        return [job.id for job in jobs]


def trials_of(sessions: Sessions, search_id: str) -> list[Trial]:
    return searches.read_search(sessions, search_id)[1]


def run_search(
    sessions: Sessions, search_id: str, *, work: Callable[[Run], Finish] = work, newest_first: bool = False
) -> list[dict[str, Any]]:
    """Run a search to its end. Returns the settings of its trials. A killed step is found out at once."""
    for _ in range(200):
        with suppress(Killed):
            step(sessions, work)
        job = service.get(sessions, search_id)
        if job.status in ("succeeded", "failed"):
            return [trial.params for trial in trials_of(sessions, search_id)]
        if job.lease_until is not None:
            expire(sessions, search_id)
            reclaim(sessions, stall_seconds=600)
            continue
        waiting = open_trainings(sessions, search_id)
        end_training(sessions, claim(sessions, waiting[-1 if newest_first else 0]))
    raise AssertionError("the search does not end")


class KilledWork:
    """The work of a search whose process is killed at this write of all that it makes, before or after its commit."""

    def __init__(self, killed_at: int, *, is_committed: bool) -> None:
        self.killed_at, self.is_committed, self.writes = killed_at, is_committed, 0

    def __call__(self, run: Run) -> Finish:
        make = run.write

        def write_or_die(call: Callable[[], bool]) -> None:
            self.writes += 1
            if self.writes == self.killed_at and not self.is_committed:
                raise Killed
            make(call)
            if self.writes == self.killed_at:
                raise Killed

        run.write = write_or_die  # type: ignore[method-assign]
        return work(run)


def test_search_tries_every_trial_once_and_the_best_alone_is_tested(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=4)
    params = run_search(sessions, search_id)
    job, trials = searches.read_search(sessions, search_id)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert len({tuple(one.items()) for one in params}) == 4
    assert all(trial.value == value_of(trial.params) and trial.status == "succeeded" for trial in trials)
    best = max(trials, key=lambda trial: trial.value or 0)
    assert job.result is not None
    assert job.result["best"] == {
        "number": best.number, "params": best.params, "value": best.value, "job_id": best.job_id,
    }  # fmt: skip
    assert job.result["winner"]["model_version"] == "7"
    assert job.result["trials"] == {"succeeded": 4}
    assert set(job.result["importance"]) == set(SPACE)
    assert job.progress is not None
    assert (job.progress["done"], job.progress["total"], job.progress["unit"]) == (4, 4, "trials")
    winner = service.get(sessions, job.result["winner"]["job_id"])
    assert (winner.search_id, winner.search_role, winner.trial) == (search_id, "winner", best.number)
    assert winner.spec == service.get(sessions, best.job_id).spec
    assert sorted(event["number"] for event in event_data(sessions, search_id, "trial")) == sorted(
        [0, 1, 2, 3, best.number]
    )


def test_search_occupies_no_worker_while_its_trials_run(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    job = service.get(sessions, search_id)
    assert (job.status, job.lease_until, job.worker) == ("running", None, None)
    assert read_overview(sessions).running == []
    assert len(open_trainings(sessions, search_id)) == 2
    assert "searches" not in count_due(sessions)
    assert runs.claim_next(sessions, "searches", lease_seconds=30) is None
    notifier = RecordedNotifier()
    Dispatcher(sessions, notifier).tick()
    assert notifier.notified == ["training", "training"]
    end_training(sessions, claim(sessions, open_trainings(sessions, search_id)[0]))
    Dispatcher(sessions, notifier).tick()
    assert notifier.notified[2:] == ["searches"]
    step(sessions)
    assert len(trials_of(sessions, search_id)) == 3


def test_search_makes_its_steps_while_sweeps_run_and_wait(sessions: Sessions) -> None:
    for _ in range(2):
        service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep", priority=9))
    assert runs.claim_next(sessions, "sweeps", lease_seconds=30) is not None  # the only worker for sweeps has one
    search_id = submit(sessions, priority=0)
    assert service.get(sessions, search_id).queue not in ("sweeps", "training", "training-cuda")
    step(sessions)
    assert len(trials_of(sessions, search_id)) == 2


def test_trial_that_ends_during_a_step_wakes_the_search_after_it(sessions: Sessions) -> None:
    search_id = submit(sessions, parallel=1)

    def slow_work(run: Run) -> Finish:
        try:
            return work(run)
        finally:
            end_training(sessions, claim(sessions, open_trainings(sessions, search_id)[0]))

    step(sessions, slow_work)
    assert count_due(sessions)["searches"] == 1


@pytest.mark.parametrize("is_committed", [False, True])
def test_search_killed_at_any_write_makes_the_same_trials(sessions: Sessions, is_committed: bool) -> None:
    undisturbed = run_search(sessions, submit(sessions))
    for write in count(1):
        search_id, killed = submit(sessions), KilledWork(write, is_committed=is_committed)
        assert run_search(sessions, search_id, work=killed) == undisturbed
        assert service.get(sessions, search_id).status == "succeeded"
        if killed.writes < write:  # all writes have had their turn
            break
    assert write > 8


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
def test_decisions_do_not_depend_on_the_order_in_which_trials_end(sessions: Sessions, sampler: str) -> None:
    rates = {"values": [0.01, 0.05, 0.1, 0.2, 0.5]}
    space = SPACE if sampler != "grid" else SPACE | {"learning_rate": rates}
    fields: dict[str, Any] = {"sampler": sampler, "space": space, "trials": 14, "parallel": 3, "seed": 5}
    oldest, newest = (
        run_search(sessions, submit(sessions, **fields), newest_first=newest_first) for newest_first in (False, True)
    )
    assert oldest == newest
    assert run_search(sessions, submit(sessions, **(fields | {"seed": 6}))) != oldest


def test_tpe_learns_from_the_values_of_the_trials() -> None:
    spec = TrainingSearchSpec.model_validate({"kind": "training_search", "space": SPACE, "parallel": 1})

    def trials(value: Callable[[dict[str, Any]], float]) -> list[Trial]:
        found: list[Trial] = []
        for number in range(20):
            params = propose(spec, number, found)
            assert params is not None
            found.append(Trial(number, str(number), "succeeded", params, value(params), 9, 1.0, None))
        return found

    low = [trial.params["learning_rate"] for trial in trials(lambda params: -params["learning_rate"])[10:]]
    high = [trial.params["learning_rate"] for trial in trials(lambda params: params["learning_rate"])[10:]]
    assert sorted(low)[5] < 0.01 < 0.1 < sorted(high)[5]


def test_two_steps_at_once_and_one_of_a_lost_claim_add_no_trial_twice(sessions: Sessions) -> None:
    search_id = submit(sessions)
    lost = Run(sessions, claim(sessions, search_id), lease_seconds=30, is_stopping=lambda: False)
    expire(sessions, search_id)
    reclaim(sessions, stall_seconds=600)
    steps = [threading.Thread(target=step, args=(sessions,)) for _ in range(4)]
    for one in steps:
        one.start()
    for one in steps:
        one.join()
    with pytest.raises(ClaimLost):
        work(lost)
    assert [trial.number for trial in trials_of(sessions, search_id)] == [0, 1]


def test_cancelled_search_ends_at_once_and_its_trials_with_it(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    running = claim(sessions, open_trainings(sessions, search_id)[0])
    assert service.cancel(sessions, search_id).status == "cancelled"
    Dispatcher(sessions, RecordedNotifier()).tick()
    assert [trial.status for trial in trials_of(sessions, search_id)] == ["running", "cancelled"]
    assert runs.check(sessions, running).is_cancel_requested
    with pytest.raises(JobNotEnded):
        service.delete(sessions, search_id)
    runs.end_cancelled(sessions, running)
    assert not open_trainings(sessions, search_id)
    service.delete(sessions, search_id)
    with sessions.reading() as session:
        assert session.query(Job).count() == 0


def test_search_that_is_cancelled_during_a_step_ends_with_that_step(sessions: Sessions) -> None:
    search_id = submit(sessions)

    def cancelled_work(run: Run) -> Finish:
        try:
            return work(run)
        finally:
            service.cancel(sessions, search_id)

    step(sessions, cancelled_work)
    assert service.get(sessions, search_id).status == "cancelled"


def test_search_past_its_time_limit_fails_and_its_trials_are_cancelled(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    with sessions.writing() as session:
        job = get_job(session, search_id)
        job.deadline = job.created_at
    Dispatcher(sessions, RecordedNotifier()).tick()
    job = service.get(sessions, search_id)
    assert job.error is not None
    assert (job.status, job.error["reason"]) == ("failed", "time_limit")
    assert [trial.status for trial in trials_of(sessions, search_id)] == ["cancelled", "cancelled"]


def test_failed_trial_does_not_fail_the_search_and_retry_runs_it_alone_again(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    first = open_trainings(sessions, search_id)[0]
    runs.fail(sessions, claim(sessions, first), reason="error", detail="The loss is not a number.")
    run_search(sessions, search_id)
    job = service.get(sessions, search_id)
    assert job.result is not None
    assert job.result["trials"] == {"failed": 1, "succeeded": 2}
    with pytest.raises(JobInUse, match=f"POST /v1/jobs/{search_id}/retry"):
        retries.retry(sessions, first)
    attempts = {trial.job_id: service.get(sessions, trial.job_id).attempt for trial in trials_of(sessions, search_id)}
    asked: list[str] = []  # once for the search and all its trials: others wait for this transaction

    def quota(kind: str) -> Quota:
        asked.append(kind)
        return Quota(10**9, "NUMERAL_MAX_TRAINING_BYTES")

    assert retries.retry(sessions, search_id, quota=quota).status == "queued"
    assert asked == ["training_search"]
    assert open_trainings(sessions, search_id) == [first]
    step(sessions)  # which lets it run
    run_search(sessions, search_id)
    assert [trial.status for trial in trials_of(sessions, search_id)] == ["succeeded"] * 3
    after = {job_id: service.get(sessions, job_id).attempt for job_id in attempts}
    assert after == attempts | {first: 2}
    with pytest.raises(JobSucceeded):
        retries.retry(sessions, search_id)


def test_settings_that_do_not_go_together_make_a_failed_trial_and_the_search_goes_on(sessions: Sessions) -> None:
    space = SPACE | {"nesterov": {"values": [False, True]}, "momentum": {"values": [0.0, 0.5, 0.9]}}
    search_id = submit(sessions, space=space, sampler="random", trials=20, seed=1)
    params = run_search(sessions, search_id)
    impossible = [one["nesterov"] and not one["momentum"] for one in params]
    trials = trials_of(sessions, search_id)
    assert [trial.status == "failed" for trial in trials] == impossible
    assert 0 < sum(impossible) < 20
    failed = next(trial for trial in trials if trial.status == "failed")
    assert failed.error is not None
    assert failed.error["reason"] == "impossible"
    assert "nesterov needs a momentum above 0" in failed.error["detail"]
    assert service.get(sessions, search_id).status == "succeeded"
    with pytest.raises(JobSucceeded):  # there is no use in trying them again
        retries.retry(sessions, search_id)
    with pytest.raises(InvalidInput, match="do not go together"):
        retry_with_changes(sessions, failed.job_id, {"epochs": 2})


def test_search_whose_winner_failed_tests_it_when_it_is_retried(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=1)
    step(sessions)
    end_training(sessions, claim(sessions, open_trainings(sessions, search_id)[0]))
    for _ in range(2):
        step(sessions)
        (winner,) = open_trainings(sessions, search_id)
        runs.fail(sessions, claim(sessions, winner), reason="error", detail="The store is full.")
        step(sessions)
        job = service.get(sessions, search_id)
        assert job.error is not None
        assert job.error["detail"] == "The network of the best trial, 0, was not tested: The store is full."
        retries.retry(sessions, search_id)
        assert not open_trainings(sessions, search_id)  # the search itself decides which is the winner
    run_search(sessions, search_id)
    assert service.get(sessions, search_id).status == "succeeded"


def test_ended_search_is_not_queued_again_while_a_trial_of_it_runs(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    running = claim(sessions, open_trainings(sessions, search_id)[0])
    service.cancel(sessions, search_id)
    Dispatcher(sessions, RecordedNotifier()).tick()
    with pytest.raises(JobNotEnded, match=running.job_id):
        retries.retry(sessions, search_id)
    with pytest.raises(JobNotEnded, match=running.job_id):
        searches.extend(sessions, search_id, 1)
    runs.end_cancelled(sessions, running)
    assert retries.retry(sessions, search_id).status == "queued"


def test_trials_and_winner_have_what_the_names_stood_for_at_submission(sessions: Sessions, storage: Storage) -> None:
    base = {"epochs": 9, "dataset": "optdigits", "start_from": "base"}
    with pytest.raises(InvalidInput) as refused:
        submit(sessions, base=base)
    assert refused.value.location == "body.base.start_from"
    registry.install_shipped(sessions, storage)
    aliases.set_alias(sessions, "base", "1")
    search_id = submit(sessions, base=base, trials=2, parallel=1)
    assert service.get(sessions, search_id).inputs == {"start_from": "1"}
    with sessions.writing() as session:
        shipped = registry.find_version(session, "1")
        other = registry.register(session, source="job:x", card=shipped.card, files={})
    aliases.set_alias(sessions, "base", other)
    run_search(sessions, search_id)
    winner = searches.find_winner(sessions, search_id, 0) or searches.find_winner(sessions, search_id, 1)
    assert winner is not None
    members = [*(service.get(sessions, trial.job_id) for trial in trials_of(sessions, search_id)), winner]
    assert [job.inputs for job in members] == [{"start_from": "1"}] * 3


def test_search_without_a_trial_that_came_to_its_end_fails_with_the_reason(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=1)
    step(sessions)
    runs.fail(sessions, claim(sessions, open_trainings(sessions, search_id)[0]), reason="error", detail="No data.")
    step(sessions)
    job = service.get(sessions, search_id)
    assert job.error == {"reason": "error", "detail": "Of 1 trial, none came to its end: No data."}


def test_search_goes_on_when_there_is_room_for_its_trials_again(sessions: Sessions) -> None:
    search_id = submit(sessions, parallel=2)
    step(sessions, lambda run: work(run, max_queued=1))
    assert len(trials_of(sessions, search_id)) == 1
    with sessions.writing() as session:
        get_job(session, search_id).run_after = None  # as if half a minute went by
    step(sessions)
    assert len(trials_of(sessions, search_id)) == 2


def test_retried_trials_wait_until_there_is_a_place_among_those_that_run(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=6, parallel=2)
    for _ in range(3):
        step(sessions)
        for trial in open_trainings(sessions, search_id):
            runs.fail(sessions, claim(sessions, trial), reason="error", detail="The disk was full.")
    step(sessions)
    assert service.get(sessions, search_id).status == "failed"
    retries.retry(sessions, search_id)
    assert len(open_trainings(sessions, search_id)) == 6
    assert runs.claim_next(sessions, "training", lease_seconds=30) is None
    for left in (4, 3):
        step(sessions)
        assert sum(trial.is_held for trial in trials_of(sessions, search_id)) == left
        claimed = runs.claim_next(sessions, "training", lease_seconds=30)
        assert claimed is not None
        end_training(sessions, claimed)
    run_search(sessions, search_id)
    assert [trial.status for trial in trials_of(sessions, search_id)] == ["succeeded"] * 6


def test_submission_is_repeated_after_an_extension_and_gives_the_same_search(sessions: Sessions) -> None:
    fields = {"kind": "training_search", "space": SPACE, "base": {"epochs": 9, "dataset": "optdigits"}, "trials": 1}
    spec = TrainingSearchSpec.model_validate(fields)
    search_id = service.submit(sessions, spec, idempotency_key="k")[0].id
    run_search(sessions, search_id)
    for trials in (1, 2):  # extended twice
        searches.extend(sessions, search_id, trials)
        again, is_new = service.submit(sessions, spec, idempotency_key="k")
        assert (again.id, is_new, again.spec["trials"]) == (search_id, False, 1 + trials + trials // 2)
        run_search(sessions, search_id)
    with pytest.raises(IdempotencyKeyReused):  # what it has become is not what was submitted
        service.submit(sessions, spec.model_copy(update={"trials": 4}), idempotency_key="k")


def test_time_left_follows_from_the_pace_of_the_trials(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=5, parallel=2)

    def seconds_left() -> float | None:
        listed = queries.list_(sessions, kind="training_search").seconds_left.get(search_id)
        found = queries.get_document(sessions, search_id).seconds_left
        assert listed == found or (listed and found and listed <= found < listed + 20)  # time goes by
        return found

    def move_back(job_id: str, *, start: float, end: float | None = None, share: float = 0.0) -> None:
        """As if the trial had run from so many seconds ago to so many seconds ago."""
        with sessions.writing() as session:
            job, now = get_job(session, job_id), database_now(session)
            job.queued_at = job.started_at = now - timedelta(seconds=start)
            job.finished_at = None if end is None else now - timedelta(seconds=end)
            job.progress = {"done": share * 100, "total": 100, "unit": "batches"}

    step(sessions)
    assert seconds_left() is None
    first, second = open_trainings(sessions, search_id)
    end_training(sessions, claim(sessions, first))
    move_back(first, start=60, end=20)
    assert seconds_left() == pytest.approx(4 * 40, abs=1)  # one trial in 40 s; nothing has run since
    claim(sessions, second)
    move_back(second, start=60, share=0.5)
    left = seconds_left()
    assert left is not None
    assert 3.5 * 60 / 1.5 <= left < 3.5 * 80 / 1.5  # a trial and a half in 60 s
    service.cancel(sessions, search_id)
    assert seconds_left() is None


def room_for(trials: int, *, models: int = 1) -> int:
    return trials * 9 * CHECKPOINT_BYTES + models * MODEL_BYTES


def limited(max_bytes: int) -> Quota:
    return Quota(max_bytes, "NUMERAL_MAX_TRAINING_BYTES")


def test_search_counts_with_all_its_trials_from_its_submission_on(sessions: Sessions) -> None:
    spec = TrainingSearchSpec.model_validate(
        {"kind": "training_search", "space": SPACE, "base": {"epochs": 9, "dataset": "optdigits"}, "trials": 3}
    )
    room = room_for(3)
    with pytest.raises(QuotaReached, match="NUMERAL_MAX_TRAINING_BYTES"):
        service.submit(sessions, spec, quota=limited(room - 1))
    search_id = service.submit(sessions, spec, quota=limited(room))[0].id
    small = MnistTrainingSpec(kind="mnist_training", epochs=1)
    for _ in range(3):  # the same, however many of its trials are queued already
        with pytest.raises(QuotaReached):
            service.submit(sessions, small, quota=limited(room + small.stored_bytes - 1))
        step(sessions)
        end_training(sessions, claim(sessions, open_trainings(sessions, search_id)[0]))
        room -= 9 * CHECKPOINT_BYTES  # that trial left no checkpoint
    step(sessions)
    assert service.get(sessions, search_id).stored_bytes == 0  # the winner counts for itself
    with pytest.raises(QuotaReached):
        service.submit(sessions, small, quota=limited(MODEL_BYTES + small.stored_bytes - 1))
    service.cancel(sessions, search_id)
    end_orphans(sessions)
    assert service.submit(sessions, small, quota=limited(small.stored_bytes))


def test_extension_counts_with_what_it_adds_alone(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=1)
    step(sessions)
    trial = claim(sessions, open_trainings(sessions, search_id)[0])
    runs.record_checkpoint(sessions, trial, step=10, artifact="a", sha256="0")
    end_training(sessions, trial)
    run_search(sessions, search_id)  # its winner names the same checkpoint
    there = CHECKPOINT_BYTES
    with pytest.raises(QuotaReached):
        searches.extend(sessions, search_id, 2, quota=lambda _: limited(there + room_for(2) - 1))
    assert searches.extend(sessions, search_id, 2, quota=lambda _: limited(there + room_for(2))).status == "queued"


def test_retry_counts_a_trials_own_checkpoints_once(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=3, parallel=1)
    step(sessions)
    trial = claim(sessions, open_trainings(sessions, search_id)[0])
    for number in range(1, 6):
        runs.record_checkpoint(sessions, trial, step=number, artifact=f"a{number}", sha256="0")
    service.cancel(sessions, search_id)
    end_orphans(sessions)
    runs.end_cancelled(sessions, trial)
    with pytest.raises(QuotaReached):
        retries.retry(sessions, search_id, quota=lambda _: limited(room_for(3) - 1))
    assert retries.retry(sessions, search_id, quota=lambda _: limited(room_for(3))).status == "queued"


def test_extended_search_keeps_its_trials_and_finds_the_best_of_all(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=2)
    with pytest.raises(JobNotEnded):
        searches.extend(sessions, search_id, 1)
    before = run_search(sessions, search_id)
    job = searches.extend(sessions, search_id, 3)
    assert (job.status, job.result, job.spec["trials"]) == ("queued", None, 5)
    after = run_search(sessions, search_id)
    assert after[:2] == before
    assert after == run_search(sessions, submit(sessions, trials=5))
    extended, trials = searches.read_search(sessions, search_id)
    assert extended.result is not None
    assert extended.result["best"]["value"] == max(trial.value or 0 for trial in trials)
    with pytest.raises(InvalidInput, match="has 5 trials: it must be at most 200"):
        searches.extend(sessions, search_id, 196)
    other = service.submit(sessions, BackpropSweepSpec(kind="backprop_sweep"))[0]
    with pytest.raises(TrialsNotThere):
        searches.extend(sessions, other.id, 1)


def test_winner_begins_from_the_state_in_which_its_trial_ended(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=1)
    step(sessions)
    trial = claim(sessions, open_trainings(sessions, search_id)[0])
    epochs = [{"epoch": number, "validation_accuracy": 0.9} for number in (1, 2)]
    for number, epoch in enumerate(epochs, start=1):
        runs.record_checkpoint(sessions, trial, step=10 * number, artifact=f"a/{number}", sha256="0", epochs=[epoch])
    end_training(sessions, trial)
    step(sessions)
    winner = open_trainings(sessions, search_id)[0]
    assert [(one.step, one.artifact) for one in runs.checkpoints(sessions, winner)] == [(20, "a/2")]
    assert event_data(sessions, winner, "epoch") == epochs


def complete_epoch(sessions: Sessions, trial: Claim, epoch: int, value: float) -> bool | None:
    """Returns the verdict on a trial that has reached this validation accuracy."""
    data = {"epoch": epoch, "validation_accuracy": value}
    runs.record_checkpoint(sessions, trial, step=epoch, artifact=f"{trial.job_id}/{epoch}", sha256="0", epochs=[data])
    return searches.judge(sessions, trial, epoch)


def test_trial_is_judged_once_at_each_rung_by_those_before_it(sessions: Sessions) -> None:
    search_id = submit(sessions, parallel=3, pruning="asha", reduction_factor=3, min_epochs=1)
    step(sessions)
    first, second, third = (claim(sessions, job_id) for job_id in open_trainings(sessions, search_id))
    assert complete_epoch(sessions, first, 1, 0.5) is False  # the best so far
    assert complete_epoch(sessions, second, 1, 0.4) is True
    assert complete_epoch(sessions, first, 2, 0.1) is False  # no rung
    assert complete_epoch(sessions, third, 1, 0.6) is False
    for _ in range(2):  # a run that comes there again is told the same, though the third has overtaken it
        assert searches.judge(sessions, first, 1) is False
    rungs = [event_data(sessions, one.job_id, "rung") for one in (first, second, third)]
    assert [(one["pruned"], one["among"]) for (one,) in rungs] == [(False, 0), (True, 1), (False, 2)]


def test_trial_is_not_judged_without_pruning_or_after_its_claim_was_lost(sessions: Sessions) -> None:
    search_id = submit(sessions, parallel=2)
    step(sessions)
    first, second = (claim(sessions, job_id) for job_id in open_trainings(sessions, search_id))
    assert complete_epoch(sessions, first, 1, 0.5) is False
    assert complete_epoch(sessions, second, 1, 0.4) is False
    runs.end_cancelled(sessions, second)
    assert searches.judge(sessions, second, 1) is None


def test_pruning_is_that_of_optuna() -> None:
    generator = random.Random(3)
    for factor, min_epochs in ((2, 1), (3, 2), (4, 1)):
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=min_epochs, reduction_factor=factor)
        study = optuna.create_study(direction="maximize", pruner=pruner)
        rungs: dict[int, list[float]] = {}
        for _ in range(40):
            trial, is_pruned = study.ask(), False
            for epoch in range(1, 28):
                value = generator.random()
                trial.report(value, epoch)
                if is_rung(epoch, min_epochs=min_epochs, factor=factor):
                    is_pruned = not is_promoted(value, rungs.setdefault(epoch, []), factor=factor)
                    rungs[epoch].append(value)
                assert trial.should_prune() is is_pruned
                if is_pruned:
                    break
            study.tell(trial, state=TrialState.PRUNED if is_pruned else None, values=None if is_pruned else 1.0)
        assert len(rungs) > 2


def test_orphans_are_those_of_ended_searches_only(sessions: Sessions) -> None:
    search_id = submit(sessions)
    step(sessions)
    end_orphans(sessions)
    assert len(open_trainings(sessions, search_id)) == 2


def test_deleted_search_names_all_artifacts_of_its_trials(sessions: Sessions) -> None:
    search_id = submit(sessions, trials=1)
    step(sessions)
    trial = open_trainings(sessions, search_id)[0]
    with pytest.raises(JobInUse, match=f"DELETE /v1/jobs/{search_id}"):
        service.delete(sessions, trial)
    complete_epoch(sessions, claimed := claim(sessions, trial), 1, 0.5)
    end_training(sessions, claimed)
    run_search(sessions, search_id)
    assert set(service.delete(sessions, search_id)) == {f"{trial}/1"}
    with sessions.reading() as session:
        assert session.query(Checkpoint).count() == 0


def test_real_trials_are_judged_without_the_test_set_and_the_winner_becomes_a_version(
    sessions: Sessions, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {"learning_rate": {"values": [0.1, 1e-6]}}
    base = {"dataset": "optdigits", "epochs": 3}
    fields = {"sampler": "grid", "space": space, "base": base, "trials": None, "seed": 1}  # which asks 0.1 first
    search_id = submit(sessions, **fields, parallel=1, pruning="asha", reduction_factor=2)

    def train_next() -> None:
        run_next(
            sessions, "training", {"mnist_training": partial(train, storage=storage, data_dir=tmp_path, mnist_dir=None)}
        )

    for _ in range(2):
        step(sessions)
        train_next()
    step(sessions)
    trained_on = environment.describe_cpu()
    monkeypatch.setattr(environment, "describe_cpu", lambda: "of another machine")  # which tests the winner
    train_next()
    step(sessions)
    job, trials = searches.read_search(sessions, search_id)
    by_rate = {trial.params["learning_rate"]: trial for trial in trials}
    good, bad = by_rate[0.1], by_rate[1e-6]
    assert job.result is not None
    assert (good.status, good.epochs) == ("succeeded", 3)
    assert (good.number, bad.number) == (0, 1)  # in this order: the first trial at a rung is always the best there
    assert (bad.status, bad.epochs) == ("pruned", 1)
    result = service.get(sessions, good.job_id).result
    assert result is not None
    assert result["value"] == good.value == result["epochs"][-1]["validation_accuracy"]
    assert "test" not in result
    assert "model_version" not in result
    versions = registry.list_(sessions)
    assert [version.source for version, _ in versions] == [f"job:{job.result['winner']['job_id']}"]
    assert job.result["best"]["number"] == good.number
    assert job.result["winner"]["test"]["total"] == 300
    assert versions[0][0].card["validation"]["accuracy"] == good.value
    assert (versions[0][0].card["cpu"], versions[0][0].card["seconds"]) == (trained_on, result["seconds"])
    assert [epoch["epoch"] for epoch in versions[0][0].card["epochs"]] == [1, 2, 3]
    log = event_data(sessions, job.result["winner"]["job_id"], "log")
    steps = service.get(sessions, good.job_id).progress
    assert steps is not None
    assert log[0]["message"] == f"Resumed at batch {steps['total']} of {steps['total']}."
