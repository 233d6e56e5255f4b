from itertools import pairwise

import numpy as np
import pytest

from app.datasets import corrections, service
from app.datasets.tables import Dataset
from app.db import Sessions
from app.errors import (
    ArtifactDamaged,
    DatabaseUnavailable,
    DatasetExists,
    DatasetFull,
    DatasetInUse,
    DatasetNotFound,
    PictureNotFound,
    QuotaReached,
)
from app.storage.folder import FolderStorage
from models.datasets.contents import Rejected
from models.datasets.pictures import LabelledPictures, read_labels, split
from tests.datasets.acknowledgements import lost_acknowledgement

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)


def pictures(count: int = 20) -> LabelledPictures:
    return split(IMAGES[:count], np.arange(count, dtype=np.uint8) % 2)


def correct(sessions: Sessions, storage: FolderStorage, name: str, position: int, digit: int) -> Dataset:
    artifact, sha256 = service.find_artifact(sessions, name)
    labels = read_labels(storage.get(artifact, sha256=sha256))
    return service.correct_label(sessions, name, position, digit, artifact=artifact, labels=labels)


def create(sessions: Sessions, storage: FolderStorage, name: str, *, max_bytes: int = 10**6) -> Dataset:
    return service.create(sessions, storage, name, pictures(), [], max_bytes=max_bytes)


def test_stored_pictures_are_read_by_their_sha256(sessions: Sessions, storage: FolderStorage) -> None:
    dataset = create(sessions, storage, "mine")
    found = service.read_pictures(sessions, storage, "mine", sha256=dataset.sha256)
    assert np.array_equal(found.images, IMAGES)
    with pytest.raises(DatasetNotFound, match="is not the one of the job any more"):
        service.read_pictures(sessions, storage, "mine", sha256="0" * 64)
    assert dataset.artifact is not None
    file = storage.folder / dataset.artifact
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ArtifactDamaged):
        service.read_pictures(sessions, storage, "mine", sha256=dataset.sha256)


def test_listed_newest_first(sessions: Sessions, storage: FolderStorage) -> None:
    for name in ("one", "two", "three"):
        create(sessions, storage, name)
    found = service.list_(sessions)
    assert {dataset.name for dataset in found} == {"one", "two", "three"}
    assert all(newer.created_at >= older.created_at for newer, older in pairwise(found))


def test_refused_data_set_leaves_no_file(sessions: Sessions, storage: FolderStorage) -> None:
    size = create(sessions, storage, "mine").stored_bytes
    with pytest.raises(QuotaReached, match="NUMERAL_MAX_DATASET_BYTES"):
        create(sessions, storage, "other", max_bytes=2 * size - 1)
    with pytest.raises(DatasetExists):
        create(sessions, storage, "mine")
    assert len(list(storage.list())) == 1
    assert create(sessions, storage, "other", max_bytes=2 * size)


def test_data_set_whose_commit_was_not_acknowledged_keeps_its_file(sessions: Sessions, storage: FolderStorage) -> None:
    with lost_acknowledgement(sessions), pytest.raises(DatabaseUnavailable):
        create(sessions, storage, "mine")
    dataset = service.get(sessions, "mine")
    assert len(service.read_pictures(sessions, storage, "mine", sha256=dataset.sha256)) == 20


def test_corrected_label_names_another_state_and_the_old_one_stays(sessions: Sessions, storage: FolderStorage) -> None:
    old = create(sessions, storage, "mine")
    new = correct(sessions, storage, "mine", 3, 7)
    newest = correct(sessions, storage, "mine", 3, 5)
    assert len({old.sha256, new.sha256, newest.sha256}) == 3
    assert (newest.counts["1"], newest.counts["5"], newest.counts["7"]) == (9, 1, 0)
    for dataset, digit in ((old, 1), (new, 7), (newest, 5)):
        found = service.read_pictures(sessions, storage, "mine", sha256=dataset.sha256)
        assert (found.labels[3], found.counts) == (digit, dataset.counts)
        assert np.array_equal(found.splits, pictures().splits)
    assert correct(sessions, storage, "mine", 3, 5).sha256 == newest.sha256
    with pytest.raises(PictureNotFound, match="20 pictures"):
        correct(sessions, storage, "mine", 20, 5)
    service.delete(sessions, storage, "mine", require_unused=lambda *_: None)
    assert create(sessions, storage, "mine").sha256 == old.sha256
    assert service.read_pictures(sessions, storage, "mine", sha256=old.sha256).labels[3] == 1


def test_number_of_corrections_is_bounded(
    sessions: Sessions, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "MAX_CORRECTIONS", 1)
    create(sessions, storage, "mine")
    correct(sessions, storage, "mine", 0, 7)
    with pytest.raises(DatasetFull, match="upload them under another name"):
        correct(sessions, storage, "mine", 1, 7)


def test_number_of_data_sets_is_bounded(
    sessions: Sessions, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_DATASETS", 1)
    create(sessions, storage, "one")
    with pytest.raises(QuotaReached):
        create(sessions, storage, "two")


def test_list_of_rejected_files_is_bounded(
    sessions: Sessions, storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_LISTED_REJECTED", 2)
    rejected = [Rejected(f"7/{number}", "It is cut off.") for number in range(3)]
    dataset = service.create(sessions, storage, "mine", pictures(), rejected, max_bytes=10**6)
    assert dataset.rejected["total"] == 3
    assert [item["file"] for item in dataset.rejected["items"]] == ["7/0", "7/1"]


def test_data_set_in_use_is_not_deleted(sessions: Sessions, storage: FolderStorage) -> None:
    create(sessions, storage, "mine")

    def refuse(*_: object) -> None:
        raise DatasetInUse("a job names it")

    with pytest.raises(DatasetInUse):
        service.delete(sessions, storage, "mine", require_unused=refuse)
    assert service.get(sessions, "mine")
    assert len(list(storage.list())) == 1
    service.delete(sessions, storage, "mine", require_unused=lambda *_: None)
    assert list(storage.list()) == []
