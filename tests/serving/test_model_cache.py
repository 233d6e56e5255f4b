import numpy as np
import pytest
from sqlalchemy import update

from app.db import Sessions
from app.errors import ModelNotFound, ModelNotLoaded, StorageUnavailable
from app.registry import aliases
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.serving.model_cache import ModelCache
from app.storage import Storage


@pytest.fixture
def two_versions(sessions: Sessions, storage: Storage) -> None:
    registry.install_shipped(sessions, storage)
    shipped, _ = registry.get(sessions, "1")
    with sessions.writing() as session:
        session.add(ModelVersion(source="copy", card=shipped.card, files=shipped.files, created_at=shipped.created_at))


def test_nothing_is_served_before_it_is_loaded(sessions: Sessions, storage: Storage) -> None:
    with pytest.raises(ModelNotLoaded):
        ModelCache(sessions, storage).get("champion")


@pytest.mark.usefixtures("two_versions")
def test_champion_changes_with_its_alias(sessions: Sessions, storage: Storage) -> None:
    cache = ModelCache(sessions, storage)
    cache.refresh()
    first = cache.champion
    cache.refresh()
    assert cache.champion is first  # not loaded again
    aliases.set_alias(sessions, "champion", "2")
    cache.refresh()
    assert cache.champion.version == "2"
    assert first.classifier.predict(np.zeros((1, 28, 28), np.uint8)).shape == (1, 10)


@pytest.mark.usefixtures("two_versions")
def test_other_versions_are_loaded_once(sessions: Sessions, storage: Storage) -> None:
    cache = ModelCache(sessions, storage)
    cache.refresh()
    assert cache.get_cached("2") is None
    assert cache.get("2") is cache.get("2") is cache.get_cached("2")
    assert cache.get("1") is cache.get_cached("1") is cache.get_cached("champion") is cache.champion


@pytest.mark.usefixtures("two_versions")
def test_former_champion_stays_in_memory_for_a_rollback(sessions: Sessions, storage: Storage) -> None:
    cache = ModelCache(sessions, storage)
    cache.refresh()
    first = cache.champion
    aliases.set_alias(sessions, "champion", "2")
    cache.refresh()
    assert cache.get("1") is first


@pytest.mark.usefixtures("two_versions")
def test_version_that_another_process_deleted_is_dropped(sessions: Sessions, storage: Storage) -> None:
    cache = ModelCache(sessions, storage)
    cache.refresh()
    cache.get("2")
    registry.delete(sessions, "2", require_unused=lambda _session, _version: None)
    assert cache.get_cached("2") is not None
    cache.refresh()
    assert cache.get_cached("2") is None
    with pytest.raises(ModelNotFound):
        cache.get("2")


@pytest.mark.usefixtures("two_versions")
def test_champion_goes_on_serving_when_its_successor_cannot_be_read(sessions: Sessions, storage: Storage) -> None:
    cache = ModelCache(sessions, storage)
    cache.refresh()
    with sessions.writing() as session:
        gone = {"model.onnx": {"artifact": "gone", "sha256": "", "size": 0}}
        session.execute(update(ModelVersion).where(ModelVersion.number == 2).values(files=gone))
    aliases.set_alias(sessions, "champion", "2")
    with pytest.raises(StorageUnavailable):
        cache.refresh()
    assert cache.champion.version == "1"
