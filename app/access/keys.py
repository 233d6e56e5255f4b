"""Create, list and revoke API keys."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from app.access.tables import ApiKey
from app.db import Sessions, database_now
from app.errors import ApiKeyNotFound

SCOPES = ("predict", "train", "admin")
PREFIX = "numeral"  # so that scanners recognise a leaked key
ID_BYTES, SECRET_BYTES = 5, 32


def create(
    sessions: Sessions, name: str, scopes: Sequence[str], *, valid_for: timedelta | None = None
) -> tuple[ApiKey, str]:
    """Create a key. Returns its row and the whole key, which is stored nowhere."""
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)
    whole = f"{PREFIX}_{key_id}_{secret}"
    with sessions.writing() as session:
        now = database_now(session)
        key = ApiKey(
            id=key_id,
            name=name,
            sha256=hashlib.sha256(whole.encode()).hexdigest(),
            scopes=" ".join(scope for scope in SCOPES if scope in scopes),
            created_at=now,
            expires_at=now + valid_for if valid_for else None,
        )
        session.add(key)
    return key, whole


def list_(sessions: Sessions) -> Sequence[ApiKey]:
    """All keys, including revoked and expired ones, oldest first."""
    with sessions.reading() as session:
        return session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)).all()


def revoke(sessions: Sessions, key_id: str) -> ApiKey:
    """Revoke a key, in every process within seconds. Does nothing if it is revoked already. Raises ApiKeyNotFound."""
    with sessions.writing() as session:
        key = session.get(ApiKey, key_id)
        if key is None:
            raise ApiKeyNotFound(f"There is no key {key_id!r}; `numeral keys list` shows the ids.")
        key.revoked_at = key.revoked_at or database_now(session)
        return key


def were_ever_created(sessions: Sessions) -> bool:
    """Whether any key exists. Revoked keys count: a service that once had keys must not become open to everybody."""
    with sessions.reading() as session:
        return bool(session.scalar(select(func.count()).select_from(ApiKey)))
