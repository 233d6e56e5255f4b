"""On which device a training for any device runs. A CUDA worker is one that says it has a GPU."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.db import Sessions, database_now
from app.errors import DeviceNotPresent
from app.jobs import queries, retries, routing, runs, service
from app.jobs.dispatcher import Dispatcher
from app.jobs.overview import read_overview
from app.jobs.specs import MnistTrainingSpec
from app.jobs.tables import Job, Worker
from app.jobs.transitions import Claim
from tests.fakes import RecordedNotifier

CPU, CUDA = "training", "training-cuda"


def submit(sessions: Sessions, device: str = "auto") -> str:
    spec = MnistTrainingSpec.model_validate({"kind": "mnist_training", "device": device})
    return service.submit(sessions, spec)[0].id


def claim(sessions: Sessions, queue: str) -> Claim | None:
    return runs.claim_next(sessions, queue, lease_seconds=30, gpu_wait_seconds=120)


def queue_of(sessions: Sessions, job_id: str) -> str:
    return service.get(sessions, job_id).queue


def let_wait(sessions: Sessions, seconds: int) -> None:
    """Every job was queued so much longer ago."""
    ago = timedelta(seconds=seconds)
    with sessions.writing() as session:
        for job in session.query(Job):
            job.created_at, job.queued_at = job.created_at - ago, job.queued_at and job.queued_at - ago


def silence(sessions: Sessions, worker: str) -> None:
    """The worker has not been heard of for longer than a worker may be silent."""
    with sessions.writing() as session:
        seen_at = database_now(session) - routing.SILENT_AFTER - timedelta(seconds=1)
        session.execute(update(Worker).where(Worker.name == worker).values(seen_at=seen_at))


@pytest.fixture
def gpu(sessions: Sessions) -> str:
    runs.report_alive(
        sessions, "big:1", device="cuda", version="1", gpu_name="NVIDIA H100", gpu_memory_bytes=85_520_809_984
    )
    return "big:1"


def test_training_for_any_device_waits_for_a_gpu_only_where_one_is_alive(sessions: Sessions) -> None:
    without = submit(sessions)
    runs.report_alive(sessions, "small:1", device="cpu", version="1")
    assert queue_of(sessions, submit(sessions)) == queue_of(sessions, without) == CPU
    runs.report_alive(sessions, "big:1", device="cuda", version="1")
    assert queue_of(sessions, submit(sessions)) == CUDA
    assert queue_of(sessions, submit(sessions, "cpu")) == CPU


@pytest.mark.usefixtures("gpu")
def test_gpu_that_is_busy_for_long_leaves_the_training_to_a_cpu(sessions: Sessions) -> None:
    first, second = submit(sessions), submit(sessions)
    running = claim(sessions, CUDA)
    assert running is not None
    assert running.job_id == first
    let_wait(sessions, 119)
    assert claim(sessions, CPU) is None
    let_wait(sessions, 2)
    claimed = claim(sessions, CPU)
    assert claimed is not None
    assert claimed.job_id == second
    assert queue_of(sessions, second) == CPU
    assert claim(sessions, CUDA) is None


@pytest.mark.usefixtures("gpu")
def test_retried_training_waits_for_a_gpu_anew_unless_a_checkpoint_binds_it_to_a_cpu(sessions: Sessions) -> None:
    fresh, bound = submit(sessions), submit(sessions)
    let_wait(sessions, 500)
    for job_id in (fresh, bound):
        claimed = claim(sessions, CPU)
        assert claimed is not None
        assert claimed.job_id == job_id
        if job_id == bound:
            runs.record_checkpoint(sessions, claimed, step=7, artifact="a", sha256="0")
        runs.fail(sessions, claimed, reason="error", detail="no")
    assert [queue_of(sessions, retries.retry(sessions, job_id).id) for job_id in (fresh, bound)] == [CUDA, CPU]
    assert [found and found.job_id for found in (claim(sessions, CPU), claim(sessions, CPU))] == [bound, None]
    let_wait(sessions, 121)
    claimed = claim(sessions, CPU)
    assert claimed is not None
    assert claimed.job_id == fresh


@pytest.mark.usefixtures("gpu")
def test_job_that_both_devices_may_run_is_claimed_once(sessions: Sessions) -> None:
    ids = {submit(sessions) for _ in range(4)}
    let_wait(sessions, 200)
    with ThreadPoolExecutor(12) as pool:
        claims = list(pool.map(lambda number: claim(sessions, (CPU, CUDA)[number % 2]), range(12)))
    won = [found.job_id for found in claims if found]
    assert sorted(won) == sorted(ids)


def test_after_the_last_gpu_worker_died_its_job_goes_on_on_a_cpu_at_once(sessions: Sessions, gpu: str) -> None:
    waiting, lost = submit(sessions), submit(sessions)
    taken = claim(sessions, CUDA)
    assert taken is not None
    runs.release(sessions, taken, counts_as_failure=False, detail="as if its lease had run out")
    assert claim(sessions, CPU) is None
    silence(sessions, gpu)
    assert {found.job_id for found in (claim(sessions, CPU), claim(sessions, CPU)) if found} == {waiting, lost}


def test_gpu_worker_that_appears_later_takes_what_waits_for_a_cpu_but_nothing_that_ran_there(
    sessions: Sessions,
) -> None:
    ran, fresh = submit(sessions), submit(sessions)
    begun = claim(sessions, CPU)
    assert begun is not None
    assert begun.job_id == ran
    runs.release(sessions, begun, counts_as_failure=False, detail="stopping")
    runs.report_alive(sessions, "big:1", device="cuda", version="1")
    taken = claim(sessions, CUDA)
    assert taken is not None
    assert taken.job_id == fresh
    assert claim(sessions, CUDA) is None


def test_dispatcher_tells_the_other_device_of_jobs_that_it_may_run(sessions: Sessions, gpu: str) -> None:
    submit(sessions)
    notifier = RecordedNotifier()
    dispatcher = Dispatcher(sessions, notifier, gpu_wait_seconds=120)
    dispatcher.tick()
    assert CPU not in notifier.notified
    let_wait(sessions, 121)
    for _ in range(3):  # the message waits until a worker has time for it
        dispatcher.tick()
    assert notifier.notified.count(CPU) == 1
    silence(sessions, gpu)
    queue_before = RecordedNotifier()
    submit(sessions)  # in the queue of the CPU: no GPU is alive
    Dispatcher(sessions, queue_before).tick()
    assert CUDA not in queue_before.notified[1:]
    runs.report_alive(sessions, gpu, device="cuda", version="1")
    notifier.notified.clear()
    dispatcher.tick()
    assert CUDA in notifier.notified


def test_training_on_cuda_alone_never_runs_on_a_cpu_and_says_what_it_waits_for(sessions: Sessions, gpu: str) -> None:
    job_id = submit(sessions, "cuda")
    assert queries.find_notice(sessions, service.get(sessions, job_id)) is None
    silence(sessions, gpu)
    let_wait(sessions, 10_000)
    assert claim(sessions, CPU) is None
    notice = queries.find_notice(sessions, service.get(sessions, job_id))
    assert notice is not None
    assert "numeral worker --queue training-cuda" in notice
    queues = {queue.name: queue for queue in read_overview(sessions).queues}
    assert queues[CUDA].queued == 1
    assert "CUDA" in str(queues[CUDA].notice)
    assert queues[CPU].notice is None
    with pytest.raises(DeviceNotPresent):  # a new one is refused at once
        submit(sessions, "cuda")
    runs.report_alive(sessions, gpu, device="cuda", version="1")
    assert queries.find_notice(sessions, service.get(sessions, job_id)) is None
    assert claim(sessions, CUDA) is not None
