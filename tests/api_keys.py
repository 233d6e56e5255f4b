"""Services with keys, for tests."""

from collections.abc import Sequence
from pathlib import Path

from app.access import keys as service
from app.config import Settings
from app.db import Sessions
from app.migrations.migrate import upgrade
from tests.conftest import free_port


def prepare(folder: Path, **options: object) -> tuple[Settings, Sessions]:
    """Settings of a service with a migrated database."""
    settings = Settings(data_dir=folder, port=free_port(), **options)  # type: ignore[arg-type]
    upgrade(settings.resolved_database_url)
    return settings, Sessions(settings.resolved_database_url)


def make_key(sessions: Sessions, *scopes: str) -> str:
    return service.create(sessions, "a test", scopes)[1]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


PIXELS: dict[str, Sequence[int]] = {"pixels": [0] * 784}
