from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, update

from app.datasets import kept
from app.datasets.kept import KeptPredictions
from app.datasets.tables import KeptPrediction
from app.db import Sessions, database_now
from app.errors import DatabaseUnavailable, PredictionNotKept
from tests.datasets.acknowledgements import lost_acknowledgement


def picture(value: int) -> np.ndarray:
    return np.full((28, 28), value / 255, np.float32)


def count(sessions: Sessions) -> int:
    with sessions.reading() as session:
        return session.scalars(select(func.count()).select_from(KeptPrediction)).one()


def test_a_picture_is_found_before_and_after_it_is_written_also_by_another_process(sessions: Sessions) -> None:
    mine, other = (KeptPredictions(sessions, max_count=10, max_hours=24) for _ in range(2))
    names = [mine.keep(picture(value)) for value in (0, 127, 255)]
    assert (mine.find(names[1]) == 127).all()
    mine.write()
    mine.write()
    assert count(sessions) == 3
    assert [int(other.find(name)[0, 0]) for name in names] == [0, 127, 255]


def test_those_whose_commit_was_not_acknowledged_do_not_hinder_the_next(sessions: Sessions) -> None:
    keeper = KeptPredictions(sessions, max_count=10, max_hours=24)
    keeper.keep(picture(1))
    with lost_acknowledgement(sessions), pytest.raises(DatabaseUnavailable):
        keeper.write()
    name = keeper.keep(picture(2))
    keeper.write()
    assert count(sessions) == 2
    assert (KeptPredictions(sessions, max_count=10, max_hours=24).find(name) == 2).all()


def test_those_past_the_number_and_the_age_go(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PRUNE_SECONDS", 0.0)
    keeper = KeptPredictions(sessions, max_count=3, max_hours=24)
    names = [keeper.keep(picture(value)) for value in range(5)]
    keeper.write()
    with pytest.raises(PredictionNotKept, match="only the last 3 of the last 24 hours"):
        keeper.find(names[1])
    assert (keeper.find(names[2]) == 2).all()
    with sessions.writing() as session:
        old = database_now(session) - timedelta(hours=25)
        session.execute(update(KeptPrediction).where(KeptPrediction.id == names[3]).values(created_at=old))
    keeper.write()
    assert count(sessions) == 2


def test_what_was_kept_goes_when_it_is_switched_off(sessions: Sessions) -> None:
    keeper = KeptPredictions(sessions, max_count=3, max_hours=24)
    keeper.keep(picture(1))
    keeper.write()
    KeptPredictions(sessions, max_count=0, max_hours=24).write()
    assert count(sessions) == 0


def test_they_wait_for_the_database_within_bounds(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(kept, "MAX_UNWRITTEN", 2)
    keeper = KeptPredictions(Sessions(f"sqlite:///{tmp_path}/none/none.db"), max_count=3, max_hours=24)
    names = [keeper.keep(picture(value)) for value in range(3)]
    with pytest.raises(DatabaseUnavailable):
        keeper.write()
    assert (keeper.find(names[1]) == 1).all()
    with pytest.raises(DatabaseUnavailable):
        keeper.find(names[0])
