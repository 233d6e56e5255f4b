import threading

import numpy as np
import pytest

from app.datasets import feedback, service
from app.db import Sessions
from app.errors import DatasetFull, DatasetNotFound
from app.storage.folder import FolderStorage


def image(value: int) -> np.ndarray:
    return np.full((28, 28), value, np.uint8)


def test_the_sha256_names_the_pictures_so_far(sessions: Sessions) -> None:
    shas = [feedback.add(sessions, image(value), value % 10).sha256 for value in range(12)]
    assert len(set(shas)) == 12
    for count in (1, 7, 12):
        found = feedback.read_feedback(sessions, shas[count - 1])
        assert found.images[:, 0, 0].tolist() == list(range(count))
        assert found.labels.tolist() == [value % 10 for value in range(count)]
    assert service.get(sessions, "feedback").counts["1"] == 2


def test_feedback_of_many_at_once_is_counted_once_each(sessions: Sessions) -> None:
    threads = [
        threading.Thread(target=lambda value=value: feedback.add(sessions, image(value), 3)) for value in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dataset = service.get(sessions, "feedback")
    assert dataset.counts["3"] == len(feedback.read_feedback(sessions, dataset.sha256)) == 8


def test_it_is_bounded(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MAX_FEEDBACK_PICTURES", 2)
    for value in range(2):
        feedback.add(sessions, image(value), value)
    with pytest.raises(DatasetFull, match="holds 2 pictures"):
        feedback.add(sessions, image(2), 2)


def test_deleted_feedback_begins_anew(sessions: Sessions, storage: FolderStorage) -> None:
    old = feedback.add(sessions, image(1), 1).sha256
    service.delete(sessions, storage, "feedback", require_unused=lambda *_: None)
    with pytest.raises(DatasetNotFound):
        service.get(sessions, "feedback")
    new = feedback.add(sessions, image(2), 2)
    assert new.counts == {str(digit): int(digit == 2) for digit in range(10)}
    with pytest.raises(DatasetNotFound, match="have been deleted"):
        service.read_pictures(sessions, storage, "feedback", sha256=old)
