import numpy as np
import pytest
from sqlalchemy import update

from app.db import Sessions
from app.errors import ModelNotFound, ModelNotLoaded, StorageUnavailable
from app.registry import aliases
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.serving.model_cache import Classifiers
from app.storage import Storage


@pytest.fixture
def two_versions(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    shipped, _ = registry.get(sessions, "1")
    with sessions.writing() as session:
        session.add(ModelVersion(source="copy", card=shipped.card, files=shipped.files, created_at=shipped.created_at))


def test_nothing_is_served_before_it_is_loaded(sessions: Sessions, storage: Storage) -> None:
    with pytest.raises(ModelNotLoaded):
        Classifiers(sessions, storage).get("champion")


@pytest.mark.usefixtures("two_versions")
def test_champion_changes_with_its_alias(sessions: Sessions, storage: Storage) -> None:
    classifiers = Classifiers(sessions, storage)
    classifiers.refresh()
    first = classifiers.champion
    classifiers.refresh()
    assert classifiers.champion is first  # not loaded again
    aliases.set_alias(sessions, "champion", "2")
    classifiers.refresh()
    assert classifiers.champion.version == "2"
    assert first.classifier.predict(np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)


@pytest.mark.usefixtures("two_versions")
def test_other_versions_are_loaded_once(sessions: Sessions, storage: Storage) -> None:
    classifiers = Classifiers(sessions, storage)
    classifiers.refresh()
    assert classifiers.at_hand("2") is None
    assert classifiers.get("2") is classifiers.get("2") is classifiers.at_hand("2")
    assert classifiers.get("1") is classifiers.at_hand("1") is classifiers.at_hand("champion") is classifiers.champion


@pytest.mark.usefixtures("two_versions")
def test_former_champion_stays_in_memory_for_a_rollback(sessions: Sessions, storage: Storage) -> None:
    classifiers = Classifiers(sessions, storage)
    classifiers.refresh()
    first = classifiers.champion
    aliases.set_alias(sessions, "champion", "2")
    classifiers.refresh()
    assert classifiers.get("1") is first


@pytest.mark.usefixtures("two_versions")
def test_version_that_another_process_deleted_is_dropped(sessions: Sessions, storage: Storage) -> None:
    classifiers = Classifiers(sessions, storage)
    classifiers.refresh()
    classifiers.get("2")
    registry.delete(sessions, "2")
    assert classifiers.at_hand("2") is not None
    classifiers.refresh()
    assert classifiers.at_hand("2") is None
    with pytest.raises(ModelNotFound):
        classifiers.get("2")


@pytest.mark.usefixtures("two_versions")
def test_champion_goes_on_serving_when_its_successor_cannot_be_read(sessions: Sessions, storage: Storage) -> None:
    classifiers = Classifiers(sessions, storage)
    classifiers.refresh()
    with sessions.writing() as session:
        gone = {"model.onnx": {"artifact": "gone", "sha256": "", "size": 0}}
        session.execute(update(ModelVersion).where(ModelVersion.number == 2).values(files=gone))
    aliases.set_alias(sessions, "champion", "2")
    with pytest.raises(StorageUnavailable):
        classifiers.refresh()
    assert classifiers.champion.version == "1"
