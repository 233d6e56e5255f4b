"""Opens the artifact store that the settings name."""

import logging
import re
from pathlib import Path

from app.config import Settings
from app.errors import ConfigurationError, StorageFull, StorageRefused, StorageUnavailable
from app.storage.artifacts import Storage
from app.storage.folder import FolderStorage
from app.storage.s3 import S3Storage

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

logger = logging.getLogger(__name__)


def open_storage(settings: Settings) -> Storage:
    """Returns the store that NUMERAL_STORAGE_URL names. Raises ConfigurationError if it cannot be used."""
    url = settings.resolved_storage_url
    if url.startswith("s3://"):
        return S3Storage(url)
    path = url.removeprefix("file://")
    is_remote_file = path != url and not path.startswith("/")
    if is_remote_file or not path.strip() or not path.isprintable() or SCHEME.match(path):
        raise ConfigurationError(
            f"NUMERAL_STORAGE_URL is {url!r}; it can be a folder, file:///FOLDER or s3://BUCKET/PREFIX."
        )
    return FolderStorage(Path(path).expanduser().resolve())


def require_storage(settings: Settings) -> Storage:
    """Returns the store after one check. Raises ConfigurationError or StorageRefused; logs what may pass by itself."""
    storage = open_storage(settings)
    try:
        storage.check()
    except StorageRefused:
        raise
    except (StorageUnavailable, StorageFull) as error:
        logger.warning("starting although the artifact store cannot be used yet: %s", error)
    return storage
