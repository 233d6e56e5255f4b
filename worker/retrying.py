"""Waiting for what is away: the database, the artifact store, room on a disk."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from app.errors import ArtifactDamaged, DatabaseUnavailable, StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
RETRY_SECONDS = 0.5

Answer = TypeVar("Answer")


def patiently(call: Callable[[], Answer], *, meanwhile: Callable[[], None] = lambda: None) -> Answer:
    """Call, and call again while the database or the artifact store is away or full, for up to two minutes.

    Raises DatabaseUnavailable, StorageFull or StorageUnavailable then, ArtifactDamaged at once, and whatever
    `meanwhile` raises in between.
    """
    deadline, said = time.monotonic() + PATIENCE_SECONDS, ""
    while True:
        try:
            return call()
        except ArtifactDamaged:
            raise  # it stays so
        except (DatabaseUnavailable, StorageFull, StorageUnavailable) as error:
            if time.monotonic() > deadline:
                raise
            if str(error) != said:
                said = str(error)
                logger.warning("waiting, and trying again: %s", said)
        meanwhile()
        time.sleep(RETRY_SECONDS)
