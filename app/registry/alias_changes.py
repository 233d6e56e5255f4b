"""How an alias moves from version to version. All of it joins the caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import database_now
from app.registry.tables import Alias, AliasChange


def take(session: Session, alias: str) -> int | None:
    """The number that `alias` stands for, if any. Nobody else moves it before this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":  # a row's own lock does not help before there is a row
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"alias:{alias}"))))
    return session.scalar(select(Alias.number).where(Alias.alias == alias))


def move(session: Session, alias: str, number: int, *, reason: str, restores: int | None = None) -> None:
    """Point an alias that was taken at another version, and write down when and why."""
    now = database_now(session)
    session.merge(Alias(alias=alias, number=number, changed_at=now))
    is_open = (AliasChange.alias == alias) & AliasChange.until.is_(None)
    session.execute(update(AliasChange).where(is_open).values(until=now))
    session.add(AliasChange(alias=alias, version=number, since=now, reason=reason, restores=restores))
    session.flush()


def before(session: Session, alias: str) -> AliasChange | None:
    """What served before the present version was put in place; after a rollback, what served before that."""
    present = next(iter(history(session, alias, limit=1)), None)
    if present is None:
        return None
    origin = present.restores or present.number
    earlier = (AliasChange.alias == alias) & (AliasChange.number < origin)
    return session.scalars(select(AliasChange).where(earlier).order_by(AliasChange.number.desc()).limit(1)).first()


def history(session: Session, alias: str, *, limit: int) -> Sequence[AliasChange]:
    """Who served under `alias`, newest first."""
    rows = select(AliasChange).where(AliasChange.alias == alias).order_by(AliasChange.number.desc()).limit(limit)
    return session.scalars(rows).all()
