"""What the service writes is for its own user: pictures, trained weights and key hashes are nobody else's."""

import logging
import os
import stat
from pathlib import Path

logger = logging.getLogger(__name__)

UMASK = 0o077  # folders 0700, files 0600
OWN_NAMES = {"numeral.db", "numeral.db-wal", "numeral.db-shm", "up.lock", "artifacts", "metrics", "valkey", "MNIST"}


def keep_private(folder: Path) -> None:
    """Let this process and its children make files for their own user alone, and close the data folder to others.

    Logs a warning where the folder cannot be closed; what is the service's own in it is closed all the same.
    """
    os.umask(UMASK)
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = list(folder.iterdir())
    except OSError:
        return  # whoever needs the folder reports it
    for path in found:
        if path.name in OWN_NAMES:
            _close(path)
    foreign = sorted(path.name for path in found if path.name not in OWN_NAMES and not path.name.startswith("valkey"))
    if foreign and _is_open(folder):
        logger.warning(
            "other users can list %s: it also holds %s, so its rights are left as they are", folder, foreign[0]
        )
    elif not _close(folder):
        logger.warning("other users can list %s, and this user may not change that: chmod 700 it", folder)


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & UMASK)


def _close(path: Path) -> bool:
    """Returns False if other users keep rights on it."""
    try:
        if not path.is_symlink() and _is_open(path):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~UMASK)
    except OSError:
        return False
    return True
