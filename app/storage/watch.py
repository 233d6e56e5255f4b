"""Whether the artifact store could be used at its last check: `/readyz` asks often, and a check costs S3 a request."""

from app.errors import AppError, StorageFull, StorageUnavailable
from app.storage.artifacts import Storage


class StorageWatch:
    """A background task calls `check` every few seconds; `require_available` answers from memory."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._error: AppError | None = None

    def check(self) -> None:
        """Check the store now and remember the outcome. Raises StorageUnavailable or StorageFull, for the log."""
        try:
            self._storage.check()
        except (StorageUnavailable, StorageFull) as error:
            self._error = error
            raise
        self._error = None

    def require_available(self) -> None:
        """Raise StorageUnavailable if the last check failed."""
        if self._error is not None:
            raise StorageUnavailable(
                f"{self._error} Predictions go on from memory; trainings wait until the store is back."
            )
