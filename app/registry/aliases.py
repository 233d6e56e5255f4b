"""The use cases of aliases: set one, roll it back, and read its history."""

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Sessions
from app.errors import AliasMoved, GateNotPassed, ModelNotFound, ModelNotServable, NothingToRollBack
from app.registry import alias_changes, gate
from app.registry.gate import CHAMPION, CHAMPION_DATASET
from app.registry.service import suggest_alias, version_row
from app.registry.tables import Alias, AliasChange
from app.storage import Storage


def set_alias(
    sessions: Sessions,
    alias: str,
    version: str,
    *,
    expected: str | None = None,
    unless: str | None = None,
    reason: str = "set by a client",
    storage: Storage | None = None,
    force: bool = False,
) -> None:
    """Point `alias` at `version`. With `expected`, only if that is the current version; with `unless`, only if not.

    The champion must pass the gate, which measures networks in `storage`; with `force`, only a version trained on
    another data set is refused, and the history says that it was forced. Raises ModelNotFound, AliasMoved,
    ModelNotServable, GateNotPassed, StorageUnavailable.
    """
    if alias == CHAMPION and storage is not None and not force:
        _measure(sessions, version, storage)
    try:
        with sessions.writing() as session:
            _set(session, alias, version, expected, unless, reason, storage, force)
    except IntegrityError as error:  # on PostgreSQL another transaction may delete the version first
        raise ModelNotFound(f"Model version {version} has just been deleted.") from error


def _measure(sessions: Sessions, version: str, storage: Storage) -> None:
    """Measure for the gate the version and the present champion: in time, so that no transaction waits."""
    with sessions.reading() as session:
        judged = [version_row(session, version), gate.present_champion(session)]
    for found in judged:
        if found is not None:
            gate.figures_on_pictures(found, storage)


def _set(
    session: Session,
    alias: str,
    version: str,
    expected: str | None,
    unless: str | None,
    reason: str,
    storage: Storage | None,
    force: bool,
) -> None:
    model = version_row(session, version)
    if alias == CHAMPION and model.card["dataset"]["name"] != CHAMPION_DATASET:
        raise ModelNotServable(
            f"Version {version} was trained on {model.card['dataset']['name']}; only mnist versions may become "
            "champion. Give it another alias and ask for that with ?model=.",
            location="body.version",
        )
    current = alias_changes.lock(session, alias)
    _require_expected(alias, current, expected)
    if unless is not None and current is not None and unless in ("*", str(current)):
        raise AliasMoved(f"{alias!r} exists already: it stands for version {current}.")
    if current == model.number:
        return
    forced = False
    if alias == CHAMPION:
        champion = None if current is None else version_row(session, str(current))
        verdict = gate.judge(model, champion, storage)
        if not verdict.is_passed and not force:
            raise GateNotPassed(version, verdict.reasons)
        forced = not verdict.is_passed
    alias_changes.move(session, alias, model.number, reason=reason, forced=forced)


def roll_back(
    sessions: Sessions, alias: str, *, expected: str | None = None, load: Callable[[str], object] = lambda _: None
) -> None:
    """Point `alias` at the version before its current one. Repeated rollbacks go further back.

    `load` is called with that version first; if it raises, nothing is changed. Raises ModelNotFound, AliasMoved,
    NothingToRollBack.
    """
    with sessions.reading() as session:
        earlier = _earlier(session, alias, expected)
    load(str(earlier.version))  # outside the transaction: a store may be slow
    with sessions.writing() as session:
        current = alias_changes.lock(session, alias)
        if _earlier(session, alias, expected).number != earlier.number:
            raise AliasMoved(f"Somebody else has just moved {alias!r}. Read it again, then decide.")
        reason = f"rollback from version {current}"
        alias_changes.move(session, alias, earlier.version, reason=reason, restores=earlier.restores or earlier.number)


def list_(sessions: Sessions) -> list[AliasChange]:
    """Returns the current change of every alias, by name."""
    with sessions.reading() as session:
        current = select(AliasChange).join(Alias, Alias.alias == AliasChange.alias).where(AliasChange.until.is_(None))
        return list(session.scalars(current.order_by(AliasChange.alias)))


def remove(sessions: Sessions, alias: str, *, expected: str | None = None) -> None:
    """Remove an alias; its history stays. Raises ModelNotFound, ModelNotServable for the champion, AliasMoved."""
    if alias == CHAMPION:
        raise ModelNotServable(
            f"{alias!r} answers predictions and stays. Point it at another version with PUT /v1/models/aliases/{alias}."
        )
    with sessions.writing() as session:
        current = alias_changes.lock(session, alias)
        if current is None:
            raise _alias_not_found(session, alias)
        _require_expected(alias, current, expected)
        alias_changes.remove(session, alias)


def current(sessions: Sessions, alias: str) -> AliasChange:
    """Returns the change that holds now. Raises ModelNotFound."""
    with sessions.reading() as session:
        newest = next(iter(alias_changes.history(session, alias, limit=1)), None)
        if newest is None or newest.until is not None:
            raise _alias_not_found(session, alias)
        return newest


def history(sessions: Sessions, alias: str, *, limit: int) -> Sequence[AliasChange]:
    """Returns the changes of `alias`, newest first. Raises ModelNotFound."""
    with sessions.reading() as session:
        rows = alias_changes.history(session, alias, limit=limit)
        if not rows:
            raise _alias_not_found(session, alias)
        return rows


def _require_expected(alias: str, current: int | None, expected: str | None) -> None:
    """Raise AliasMoved unless `expected` is the current version, or `*` (any version, RFC 9110) or None."""
    if expected is not None and (current is None or expected not in ("*", str(current))):
        if current is None:
            raise AliasMoved(f"{alias!r} does not exist yet. To create it, leave the condition out.")
        raise AliasMoved(
            f"{alias!r} stands for version {current}, not for version {expected!r}. Read it again, then decide."
        )


def _earlier(session: Session, alias: str, expected: str | None) -> AliasChange:
    """Returns the change to go back to. Raises ModelNotFound, AliasMoved, NothingToRollBack."""
    current = session.get(Alias, alias)
    if current is None:
        raise _alias_not_found(session, alias)
    _require_expected(alias, current.number, expected)
    earlier = alias_changes.previous(session, alias)
    if earlier is None:
        raise NothingToRollBack(
            f"No version served as {alias!r} before version {current.number}; "
            f"set another one with PUT /v1/models/aliases/{alias}."
        )
    return earlier


def _alias_not_found(session: Session, alias: str) -> ModelNotFound:
    hint = suggest_alias(session, alias) or ". GET /v1/models/aliases lists those that there are."
    return ModelNotFound(f"There is no alias {alias!r}{hint}")
