"""Retries while the database or the artifact store is unavailable, or a disk is full."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from app.errors import ArtifactDamaged, DatabaseUnavailable, StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 120.0
RETRY_SECONDS = 0.5

Result = TypeVar("Result")


def retry_while_unavailable(call: Callable[[], Result], *, between_tries: Callable[[], None] = lambda: None) -> Result:
    """Returns what `call` returns; repeats it for up to two minutes while the database or the store is unavailable.

    Raises DatabaseUnavailable, StorageFull or StorageUnavailable after that, ArtifactDamaged at once, and whatever
    `between_tries` raises.
    """
    deadline, logged = time.monotonic() + MAX_WAIT_SECONDS, ""
    while True:
        try:
            return call()
        except ArtifactDamaged:
            raise  # a retry would read the same bytes
        except (DatabaseUnavailable, StorageFull, StorageUnavailable) as error:
            if time.monotonic() > deadline:
                raise
            if str(error) != logged:
                logged = str(error)
                logger.warning("waiting, and trying again: %s", logged)
        between_tries()
        time.sleep(RETRY_SECONDS)
