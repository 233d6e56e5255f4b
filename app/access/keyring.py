"""The API keys in memory, so that checking a request's key needs no database query."""

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.access import keys as service
from app.access.keys import ID_BYTES, PREFIX, SCOPES
from app.access.tables import ApiKey
from app.db import Sessions
from app.errors import AppError, KeysUnknown

ID_IN_KEY = slice(len(PREFIX) + 1, len(PREFIX) + 1 + 2 * ID_BYTES)
REFRESH_SECONDS = 1.0  # how soon every process knows of a new or revoked key


@dataclass(frozen=True)
class KeyRecord:
    """A valid key: its id, its scopes and the sha256 that identifies it."""

    id: str
    scopes: frozenset[str]
    digest: bytes = b""
    expires: float | None = None  # seconds since 1970

    def has_any(self, scopes: Sequence[str]) -> bool:
        """Whether the key has one of `scopes`; `admin` includes all."""
        return "admin" in self.scopes or not self.scopes.isdisjoint(scopes)


NO_KEY = KeyRecord("", frozenset(), hashlib.sha256(b"").digest())


class Keyring:
    """The keys of the database and the one of the settings. `refresh` reads them again.

    While the database is unavailable, the keyring keeps the keys that it read last.
    """

    def __init__(self, sessions: Sessions, *, admin_key: str | None = None) -> None:
        self._sessions = sessions
        self._admin_key = _from_settings(admin_key) if admin_key else NO_KEY
        self._records: dict[bytes, KeyRecord] = {}
        self._had_keys = self._admin_key is not NO_KEY
        self._is_known = False
        self._why_unknown = AppError("Nothing was changed.")

    def refresh(self) -> None:
        """Read new, revoked and expired keys from the database. Raises DatabaseUnavailable."""
        try:
            rows = service.list_(self._sessions)
        except AppError as error:
            self._why_unknown = error.with_traceback(None)
            raise
        self._records = {row.id.encode(): _from_row(row) for row in rows if row.revoked_at is None}
        self._had_keys = self._had_keys or bool(rows)
        self._is_known = True

    @property
    def had_keys(self) -> bool:
        """Whether a key was ever created. Raises KeysUnknown until the database has been read."""
        self.require_known()
        return self._had_keys

    def require_known(self) -> None:
        """Raise KeysUnknown until the keys have been read once."""
        if not self._is_known:
            raise KeysUnknown(
                f"The API keys cannot be read yet, so no request is let in (see GET /readyz). {self._why_unknown}",
                public_detail=f"{KeysUnknown.public_detail} {self._why_unknown.public_detail or ''}".rstrip(),
            )

    def find(self, key: bytes) -> KeyRecord | None:
        """Returns the record of a key; None if the key does not exist, is revoked or has expired.

        The id in the key selects the digest to compare with; the comparison takes constant time.
        """
        digest = hashlib.sha256(key).digest()
        record = self._records.get(key[ID_IN_KEY], self._admin_key)
        if not hmac.compare_digest(digest, record.digest) or record is NO_KEY:
            return None
        return None if record.expires is not None and time.time() >= record.expires else record


def _from_row(row: ApiKey) -> KeyRecord:
    expires = row.expires_at.timestamp() if row.expires_at else None
    return KeyRecord(row.id, frozenset(row.scopes.split()), bytes.fromhex(row.sha256), expires)


def _from_settings(key: str) -> KeyRecord:
    return KeyRecord("settings", frozenset(SCOPES), hashlib.sha256(key.encode()).digest())
