"""A database that is away or locked is waited for."""

from app.sqlite import BUSY_SECONDS
from tests.faults.parts import LEASE_SECONDS, Parts


def test_database_that_is_away_for_longer_than_a_lease_and_a_patient_writer_costs_a_training_nothing(
    two_workers: Parts,
) -> None:
    job_id, _ = two_workers.start_training(epochs_done=1)
    two_workers.database.away(seconds=BUSY_SECONDS + 1)
    two_workers.require_same_answer(job_id, attempt=1)


def test_database_that_is_away_when_a_training_is_to_end_is_waited_for(two_workers: Parts) -> None:
    job_id, _ = two_workers.start_training(epochs_done=3)
    two_workers.database.away(seconds=3 * LEASE_SECONDS)
    two_workers.require_same_answer(job_id, attempt=1)
