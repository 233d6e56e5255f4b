"""The use cases of aliases: point one at a version, go back, and see who served when and why."""

from collections.abc import Callable, Sequence

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Sessions
from app.errors import AliasMoved, ModelNotFound, ModelNotServable, NothingToRollBack
from app.registry import alias_changes
from app.registry.service import CHAMPION, version_row
from app.registry.tables import Alias, AliasChange


def set_alias(
    sessions: Sessions, alias: str, version: str, *, expected: str | None = None, reason: str = "set by a client"
) -> None:
    """Point `alias` at `version`, if it stands for the `expected` one or none is given.

    Raises ModelNotFound; ModelNotServable where it may not become champion; AliasMoved.
    """
    try:
        with sessions.writing() as session:
            _set(session, alias, version, expected, reason)
    except IntegrityError as error:  # PostgreSQL lets somebody delete the version meanwhile
        raise ModelNotFound(f"Model version {version} has just been deleted.") from error


def _set(session: Session, alias: str, version: str, expected: str | None, reason: str) -> None:
    model = version_row(session, version)
    if alias == CHAMPION and model.card["dataset"]["name"] != "mnist":
        raise ModelNotServable(
            f"Version {version} was trained on {model.card['dataset']['name']}; only mnist versions may become "
            "champion. Give it another alias and ask for that with ?model=.",
            location="body.version",
        )
    present = alias_changes.take(session, alias)
    _require(alias, present, expected)
    if present != model.number:
        alias_changes.move(session, alias, model.number, reason=reason)


def roll_back(
    sessions: Sessions, alias: str, *, expected: str | None = None, load: Callable[[str], object] = lambda _: None
) -> None:
    """Point `alias` at the version that served before; once more, at the one before that.

    `load` is called with that version first; what it raises leaves everything as it was. Raises ModelNotFound,
    AliasMoved, NothingToRollBack.
    """
    with sessions.reading() as session:
        earlier = _earlier(session, alias, expected)
    load(str(earlier.version))  # before the transaction: a store may take its time
    with sessions.writing() as session:
        present = alias_changes.take(session, alias)
        if _earlier(session, alias, expected).number != earlier.number:
            raise AliasMoved(f"Somebody else has just moved {alias!r}. Look again, then decide.")
        reason = f"rollback from version {present}"
        alias_changes.move(session, alias, earlier.version, reason=reason, restores=earlier.restores or earlier.number)


def history(sessions: Sessions, alias: str, *, limit: int) -> Sequence[AliasChange]:
    """Which versions `alias` stood for, newest first. Raises ModelNotFound."""
    with sessions.reading() as session:
        rows = alias_changes.history(session, alias, limit=limit)
        if not rows:
            raise _no_alias(alias)
        return rows


def _require(alias: str, present: int | None, expected: str | None) -> None:
    """Raise AliasMoved unless the alias stands for the `expected` version, or any where that is `*` (RFC 9110)."""
    if expected is not None and (present is None or expected not in ("*", str(present))):
        stands = f"stands for version {present}" if present is not None else "does not exist yet"
        raise AliasMoved(f"{alias!r} {stands}, not for version {expected!r}. Look again, then decide.")


def _earlier(session: Session, alias: str, expected: str | None) -> AliasChange:
    """What served under `alias` before. Raises ModelNotFound, AliasMoved, NothingToRollBack."""
    present = session.get(Alias, alias)
    if present is None:
        raise _no_alias(alias)
    _require(alias, present.number, expected)
    earlier = alias_changes.before(session, alias)
    if earlier is None:
        raise NothingToRollBack(
            f"No version served as {alias!r} before version {present.number}; "
            f"set another one with PUT /v1/models/aliases/{alias}."
        )
    return earlier


def _no_alias(alias: str) -> ModelNotFound:
    return ModelNotFound(f"There is no alias {alias!r}. GET /v1/models shows the aliases of each version.")
