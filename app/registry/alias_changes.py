"""Moves of an alias and their history. Every function joins the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import database_now
from app.registry.tables import Alias, AliasChange, ModelVersion


def lock(session: Session, alias: str) -> int | None:
    """Lock `alias` until the transaction ends. Returns the number of its version, if it has one."""
    if session.get_bind().dialect.name == "postgresql":  # an alias without a row has no row lock
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"alias:{alias}"))))
    return session.scalar(select(Alias.number).where(Alias.alias == alias))


def move(
    session: Session, alias: str, number: int, *, reason: str, restores: int | None = None, forced: bool = False
) -> None:
    """Point a locked alias at another version and record when and why, and whether it was forced past the gate."""
    now = database_now(session)
    session.merge(Alias(alias=alias, number=number, changed_at=now))
    is_open = (AliasChange.alias == alias) & AliasChange.until.is_(None)
    session.execute(update(AliasChange).where(is_open).values(until=now))
    change = AliasChange(alias=alias, version=number, since=now, reason=reason, restores=restores, forced=forced)
    session.add(change)
    session.flush()


def previous(session: Session, alias: str) -> AliasChange | None:
    """Returns the change before the current one; after a rollback, the one before the change it restored.

    Changes to versions that have been deleted since are passed over.
    """
    current = next(iter(history(session, alias, limit=1)), None)
    if current is None:
        return None
    origin = current.restores or current.number
    earlier = (AliasChange.alias == alias) & (AliasChange.number < origin) & (AliasChange.version != current.version)
    found = select(AliasChange).join(ModelVersion, ModelVersion.number == AliasChange.version).where(earlier)
    return session.scalars(found.order_by(AliasChange.number.desc()).limit(1)).first()


def remove(session: Session, alias: str) -> bool:
    """Remove a locked alias, and end its history. Returns False if there is none."""
    found = session.get(Alias, alias)
    if found is None:
        return False
    is_open = (AliasChange.alias == alias) & AliasChange.until.is_(None)
    session.execute(update(AliasChange).where(is_open).values(until=database_now(session)))
    session.delete(found)
    session.flush()
    return True


def history(session: Session, alias: str, *, limit: int) -> Sequence[AliasChange]:
    """Returns the changes of `alias`, newest first."""
    rows = select(AliasChange).where(AliasChange.alias == alias).order_by(AliasChange.number.desc()).limit(limit)
    return session.scalars(rows).all()
