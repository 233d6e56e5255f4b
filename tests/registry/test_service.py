from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.db import Sessions
from app.errors import ModelFileNotFound, ModelInUse, ModelNotFound, ModelNotServable, StorageUnavailable
from app.registry import aliases, service
from app.storage import Storage
from app.storage.folder import FolderStorage


def card(test: float, validation: float, dataset: str = "mnist") -> dict[str, Any]:
    return {"test": {"accuracy": test}, "validation": {"accuracy": validation}, "dataset": {"name": dataset}}


def register(sessions: Sessions, source: str, **facts: Any) -> tuple[str, bool, str]:
    with sessions.writing() as session:
        version = service.register(session, source=source, card=card(**facts), files={})
        return version, *service.promote_if_better(session, version)


def champion(sessions: Sessions) -> str:
    return service.resolve(sessions, "champion")


def test_version_becomes_champion_only_through_the_gate(sessions: Sessions) -> None:
    assert register(sessions, "a", test=0.9939, validation=0.999)[1] is False
    with pytest.raises(ModelNotFound):
        champion(sessions)
    version, promoted, _ = register(sessions, "b", test=0.9940, validation=0.993)
    assert promoted
    assert champion(sessions) == version


def test_version_below_the_champions_validation_is_not_promoted_and_says_why(sessions: Sessions) -> None:
    first, _, _ = register(sessions, "a", test=0.995, validation=0.994)
    second, promoted, why = register(sessions, "b", test=0.999, validation=0.993)
    assert not promoted
    assert "99.3000%" in why
    assert f"version {first}" in why
    assert champion(sessions) == first
    assert register(sessions, "c", test=0.995, validation=0.994)[1]  # not below is enough
    assert second in [str(version.number) for version, _ in service.list_(sessions)]


def test_only_mnist_versions_become_champion(sessions: Sessions) -> None:
    version, promoted, _ = register(sessions, "a", test=1.0, validation=1.0, dataset="optdigits")
    assert not promoted
    with pytest.raises(ModelNotServable):
        aliases.set_alias(sessions, "champion", version)
    aliases.set_alias(sessions, "small", version)
    assert service.get(sessions, "small")[1] == ["small"]


def test_shipped_network_is_installed_once_and_serves(sessions: Sessions, storage: Storage) -> None:
    for _ in range(2):
        service.install_shipped(sessions, storage)
    assert len(service.list_(sessions)) == 1
    assert champion(sessions) == "1"
    assert service.read_file(sessions, storage, "champion", "model.onnx")


def test_missing_or_damaged_files_are_named(sessions: Sessions, storage: FolderStorage) -> None:
    service.install_shipped(sessions, storage)
    with pytest.raises(ModelFileNotFound, match=r"model\.onnx"):
        service.read_file(sessions, storage, "1", "../../etc/passwd")
    path = next(storage.folder.rglob("model.onnx"))
    path.write_bytes(b"x")
    with pytest.raises(StorageUnavailable, match="damaged"):
        service.read_file(sessions, storage, "1", "model.onnx")


def unused(_session: Session, _version: str) -> None:
    """No job starts from the version."""


def test_version_that_does_not_serve_can_be_deleted_and_the_champion_cannot(sessions: Sessions) -> None:
    idle, _, _ = register(sessions, "a", test=0.5, validation=0.5)
    first, _, _ = register(sessions, "b", test=0.995, validation=0.994)
    second, _, _ = register(sessions, "c", test=0.996, validation=0.995)
    assert champion(sessions) == second
    with pytest.raises(ModelInUse):
        service.delete(sessions, second, require_unused=unused)
    assert service.delete(sessions, f"0{idle}", require_unused=unused) == (idle, [])
    with pytest.raises(ModelNotFound):
        service.delete(sessions, idle, require_unused=unused)
    assert [str(version.number) for version, _ in service.list_(sessions)] == [second, first]
    service.delete(sessions, first, require_unused=unused)  # the champion before
    assert [str(version.number) for version, _ in service.list_(sessions)] == [second]
