"""The networks in memory: always the champion, and a few others as they are asked for."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from app.db import Sessions
from app.errors import AppError, ModelNotLoaded
from app.registry import service as registry
from app.storage import Storage
from models.inference.classifier import DigitClassifier

CHAMPION = registry.CHAMPION
CACHE_SIZE = 4  # networks beside the champion, the last ones that were asked for or were champion; 1 MB each


@dataclass(frozen=True)
class ServedModel:
    """A version and its network; a prediction is answered by one such pair, so no answer mixes versions."""

    version: str
    classifier: DigitClassifier


class ModelCache:
    """Loads networks from the registry. `champion` never touches the database; `refresh` keeps it up to date."""

    def __init__(self, sessions: Sessions, storage: Storage, *, device: str = "cpu") -> None:
        self._sessions, self._storage, self._device = sessions, storage, device
        self._champion: ServedModel | None = None
        self._load_error = ""
        self._others: OrderedDict[str, ServedModel] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def champion(self) -> ServedModel:
        """The network that answers unless another is asked for. Raises ModelNotLoaded before the first `refresh`."""
        if self._champion is None:
            raise ModelNotLoaded(f"No network is loaded yet. {self._load_error or 'GET /readyz says why.'}")
        return self._champion

    def refresh(self) -> None:
        """Load the champion if it has changed, and drop versions that were deleted, here or by another process.

        Raises the errors of the database and of the storage.
        """
        with self._lock:  # of two at once, the later one sees the later champion
            try:
                version = registry.resolve(self._sessions, CHAMPION)
                if self._champion is None or self._champion.version != version:
                    previous, self._champion = self._champion, self._find(version)
                    if previous is not None:
                        self._keep(previous)  # a rollback finds it in memory
                others = set(self._others) - {version}
                if others:
                    for deleted in others - registry.existing_versions(self._sessions, list(others)):
                        self._others.pop(deleted, None)
            except AppError as error:
                self._load_error = str(error)
                raise

    def get_cached(self, name: str) -> ServedModel | None:
        """The network of the champion or of a version, if it is in memory. Never asks the database."""
        if name == CHAMPION:
            return self.champion
        if self._champion is not None and self._champion.version == name:
            return self._champion
        return self._others.get(name)

    def get(self, name: str) -> ServedModel:
        """The network of a version or an alias. Raises ModelNotFound."""
        if (served := self.get_cached(name)) is not None:
            return served
        version = registry.resolve(self._sessions, name)
        if self._champion is not None and self._champion.version == version:
            return self._champion
        with self._lock:
            return self._find(version)

    def forget(self, version: str) -> None:
        """Drop a version that was deleted here."""
        self._others.pop(version, None)

    def _find(self, version: str) -> ServedModel:
        served = self._others.get(version) or self._load(version)
        self._keep(served)
        return served

    def _keep(self, served: ServedModel) -> None:
        self._others[served.version] = served
        self._others.move_to_end(served.version)
        if len(self._others) > CACHE_SIZE:
            self._others.popitem(last=False)

    def _load(self, version: str) -> ServedModel:
        model = registry.read_file(self._sessions, self._storage, version, registry.MODEL_FILE)
        return ServedModel(version, DigitClassifier(model, device=self._device))
