"""The keys in memory: what a request shows is judged without the database."""

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

ID = slice(len(PREFIX) + 1, len(PREFIX) + 1 + 2 * ID_BYTES)  # where in a key its id is
REFRESH_SECONDS = 1.0  # how soon a revocation or a new key is known to every process


@dataclass(frozen=True)
class Holder:
    """Whose key it is, and what it opens."""

    id: str
    scopes: frozenset[str]
    digest: bytes = b""
    expires: float | None = None  # seconds since 1970

    def may(self, scopes: Sequence[str]) -> bool:
        """Whether any of `scopes` is among its own; `admin` opens everything."""
        return "admin" in self.scopes or not self.scopes.isdisjoint(scopes)


NOBODY = Holder("", frozenset(), hashlib.sha256(b"").digest())


class Keyring:
    """Knows the keys of the database, and the one that the settings name; `refresh` keeps it up to date.

    While the database is away it goes on with what it knew: predictions do not depend on it.
    """

    def __init__(self, sessions: Sessions, *, admin_key: str | None = None) -> None:
        self._sessions = sessions
        self._configured = _from_settings(admin_key) if admin_key else NOBODY
        self._holders: dict[bytes, Holder] = {}
        self._were_any = self._configured is not NOBODY
        self._is_known = False
        self._why_unknown = "Nothing was changed."

    def refresh(self) -> None:
        """Learn of new, revoked and expired keys. Raises DatabaseUnavailable."""
        try:
            rows = service.list_(self._sessions)
        except AppError as error:
            self._why_unknown = str(error)
            raise
        self._holders = {row.id.encode(): _from_row(row) for row in rows if row.revoked_at is None}
        self._were_any = self._were_any or bool(rows)
        self._is_known = True

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever made. Raises KeysUnknown: until the database has said so, nothing is open."""
        self.require_known()
        return not self._were_any

    def require_known(self) -> None:
        """Raise KeysUnknown until the keys were read once."""
        if not self._is_known:
            raise KeysUnknown(
                f"The API keys cannot be read yet, so nobody is let in (see GET /readyz). {self._why_unknown}"
            )

    def find(self, key: bytes) -> Holder | None:
        """Whose key this is; None for one that was made up, revoked or has expired.

        The id in it says which digest to compare with, and that comparison takes the same time wherever they differ.
        """
        digest = hashlib.sha256(key).digest()
        holder = self._holders.get(key[ID], self._configured)
        if not hmac.compare_digest(digest, holder.digest) or holder is NOBODY:
            return None
        return None if holder.expires is not None and time.time() >= holder.expires else holder


def _from_row(row: ApiKey) -> Holder:
    expires = row.expires_at.timestamp() if row.expires_at else None
    return Holder(row.id, frozenset(row.scopes.split()), bytes.fromhex(row.sha256), expires)


def _from_settings(key: str) -> Holder:
    return Holder("settings", frozenset(SCOPES), hashlib.sha256(key.encode()).digest())
