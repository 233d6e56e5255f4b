"""Whether the store can be used, as it was found the last time: asked often, so it must not cost a look each time."""

from app.errors import AppError, StorageFull, StorageUnavailable
from app.storage.artifacts import Storage


class StorageWatch:
    """`look` is to be called every few seconds; `require` answers from memory."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._error: AppError | None = None

    def look(self) -> None:
        """Look at the store now. Raises what is wrong with it, for the log."""
        try:
            self._storage.check()
        except (StorageUnavailable, StorageFull) as error:
            self._error = error
            raise
        self._error = None

    def require(self) -> None:
        """Raise StorageUnavailable if the store could not be used at the last look."""
        if self._error is not None:
            raise StorageUnavailable(
                f"{self._error} Predictions go on from memory; trainings wait until the store is back."
            )
