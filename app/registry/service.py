"""The use cases of the registry. Where a `session` is asked for, the caller's transaction is joined."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.errors import AliasMoved, ModelFileNotFound, ModelInUse, ModelNotFound, ModelNotServable, NothingToRollBack
from app.registry import aliases
from app.registry.tables import Alias, AliasChange, ModelVersion
from app.storage import Artifact, Storage

CHAMPION = "champion"  # the alias that answers unless another is asked for
MODEL_FILE, WEIGHTS_FILE, CARD_FILE = "model.onnx", "weights.safetensors", "card.json"
GATE = 0.9940  # of MNIST's test set: below it nothing becomes champion
ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SHIPPED = Path(__file__).parents[2] / "models" / "pretrained"


def store_files(storage: Storage, folder: str, files: dict[str, bytes]) -> dict[str, Artifact]:
    """Put a version's files into the store, before any row speaks of them."""
    return {name: storage.put(f"{folder}/{name}", content) for name, content in files.items()}


def register(session: Session, *, source: str, card: dict[str, Any], files: dict[str, Artifact]) -> str:
    """Make a version of stored files; its name. Promotion is another matter."""
    rows = {name: {"artifact": file.name, "sha256": file.sha256, "size": file.size} for name, file in files.items()}
    version = ModelVersion(source=source, card=card, files=rows, created_at=database_now(session))
    session.add(version)
    session.flush()
    return str(version.number)


def version_of_job(session: Session, job_id: str) -> str | None:
    """The name of the version that came from a training job, if there is one."""
    number = session.scalars(select(ModelVersion.number).where(ModelVersion.source == f"job:{job_id}")).one_or_none()
    return None if number is None else str(number)


def promote_if_better(session: Session, version: str) -> tuple[bool, str]:
    """Make `version` the champion if it is proven and no worse than the present one; and the reason either way."""
    registered = _get(session, version)
    card, source = registered.card, registered.source
    accuracy = card["test"]["accuracy"]
    if card["dataset"]["name"] != "mnist":
        return False, f"trained on {card['dataset']['name']}; only versions trained on mnist may become champion"
    if accuracy < GATE:
        return False, f"{accuracy:.2%} of the test set is below the gate of {GATE:.2%}"
    present = aliases.take(session, CHAMPION)
    if present is not None:
        best = _get(session, str(present)).card["validation"]["accuracy"]
        if card["validation"]["accuracy"] < best:
            return False, (
                f"its validation accuracy of {card['validation']['accuracy']:.4%} is below the "
                f"{best:.4%} of the present champion, version {present}"
            )
    aliases.move(session, CHAMPION, int(version), reason=_reason(source))
    return True, f"{accuracy:.2%} of the test set, and validation not below the present champion's"


def set_alias(
    sessions: Sessions, alias: str, version: str, *, expected: str | None = None, reason: str = "set by a client"
) -> None:
    """Point `alias` at `version`, if it stands for the `expected` one or none is given.

    Raises ModelNotFound; ModelNotServable where it may not become champion; AliasMoved.
    """
    with sessions.writing() as session:
        model = _get(session, version)
        if alias == CHAMPION and model.card["dataset"]["name"] != "mnist":
            raise ModelNotServable(
                f"Version {version} was trained on {model.card['dataset']['name']}; only mnist versions may become "
                "champion. Give it another alias and ask for that with ?model=.",
                location="body.version",
            )
        present = _take_expected(session, alias, expected)
        if present != model.number:
            aliases.move(session, alias, model.number, reason=reason)


def roll_back(
    sessions: Sessions, alias: str, *, expected: str | None = None, load: Callable[[str], object] = lambda _: None
) -> None:
    """Point `alias` at the version that served before; once more, at the one before that.

    `load` is called with that version first; what it raises leaves everything as it was. Raises ModelNotFound,
    AliasMoved, NothingToRollBack.
    """
    with sessions.writing() as session:
        present = _take_expected(session, alias, expected)
        if present is None:
            raise _no_alias(alias)
        earlier = aliases.before(session, alias)
        if earlier is None:
            raise NothingToRollBack(
                f"No version served as {alias!r} before version {present}; "
                f"set another one with PUT /v1/models/aliases/{alias}."
            )
        load(str(earlier.version))
        reason = f"rollback from version {present}"
        aliases.move(session, alias, earlier.version, reason=reason, restores=earlier.restores or earlier.number)


def history(sessions: Sessions, alias: str, *, limit: int) -> Sequence[AliasChange]:
    """Which versions `alias` stood for, newest first. Raises ModelNotFound."""
    with sessions.reading() as session:
        rows = aliases.history(session, alias, limit=limit)
        if not rows:
            raise _no_alias(alias)
        return rows


def resolve(sessions: Sessions, name: str) -> str:
    """The version that `name`, a version or an alias, stands for. Raises ModelNotFound."""
    with sessions.reading() as session:
        return str(_find(session, name).number)


def get(sessions: Sessions, name: str) -> tuple[ModelVersion, list[str]]:
    """A version, by its name or an alias, and its aliases. Raises ModelNotFound."""
    with sessions.reading() as session:
        version = _find(session, name)
        return version, _aliases(session).get(version.number, [])


def list_(sessions: Sessions) -> list[tuple[ModelVersion, list[str]]]:
    """All versions, newest first, each with its aliases."""
    with sessions.reading() as session:
        names = _aliases(session)
        versions = session.scalars(select(ModelVersion).order_by(ModelVersion.number.desc()))
        return [(version, names.get(version.number, [])) for version in versions]


def delete(sessions: Sessions, version: str) -> tuple[str, list[str]]:
    """Remove a version that never had an alias: its name, its artifacts. Raises ModelNotFound, ModelInUse."""
    try:
        with sessions.writing() as session:
            found = _get(session, version)
            session.delete(found)
            return str(found.number), [file["artifact"] for file in found.files.values()]
    except IntegrityError as error:  # the aliases and their history refer to it
        raise ModelInUse(
            f"Version {version} serves or has served under an alias; it stays, so that a rollback finds it."
        ) from error


def read_file(sessions: Sessions, storage: Storage, name: str, file: str) -> bytes:
    """The bytes of a version's file. Raises ModelNotFound, ModelFileNotFound, StorageUnavailable."""
    version, _ = get(sessions, name)
    if file not in version.files:
        raise ModelFileNotFound(
            f"Version {version.number} has no file {file!r}; it has {', '.join(sorted(version.files))}."
        )
    row = version.files[file]
    return storage.get(row["artifact"], sha256=row["sha256"])


def install_shipped(sessions: Sessions, storage: Storage, folder: Path = SHIPPED) -> None:
    """Register the network that comes with the program, once; it becomes champion by the same rules."""
    card = json.loads((folder / CARD_FILE).read_text())
    source = f"shipped:{card['weights_sha256']}"
    with sessions.reading() as session:
        if session.scalars(select(ModelVersion.number).where(ModelVersion.source == source)).first() is not None:
            return
    files = {name: (folder / name).read_bytes() for name in (MODEL_FILE, WEIGHTS_FILE, CARD_FILE)}
    # A name of its own for each try: `numeral gc` may be removing what an earlier one left behind.
    stored = store_files(storage, f"models/shipped-{card['weights_sha256'][:16]}-{uuid4().hex[:8]}", files)
    try:
        with sessions.writing() as session:
            promote_if_better(session, register(session, source=source, card=card, files=stored))
    except IntegrityError:  # another process of this service was quicker
        pass


def _find(session: Session, name: str) -> ModelVersion:
    alias = session.get(Alias, name) if ALIAS.fullmatch(name) else None
    return _get(session, str(alias.number) if alias else name)


def _get(session: Session, version: str) -> ModelVersion:
    is_number = version.isascii() and version.isdecimal() and len(version) <= 9
    found = session.get(ModelVersion, int(version)) if is_number else None
    if found is None:
        raise ModelNotFound(
            f"There is no model version or alias {version!r}. GET /v1/models lists those that there are."
        )
    return found


def _take_expected(session: Session, alias: str, expected: str | None) -> int | None:
    present = aliases.take(session, alias)
    if expected is not None and expected != str(present):
        stands = f"stands for version {present}" if present is not None else "does not exist yet"
        raise AliasMoved(f"{alias!r} {stands}, not for version {expected!r}. Look again, then decide.")
    return present


def _no_alias(alias: str) -> ModelNotFound:
    return ModelNotFound(f"There is no alias {alias!r}. GET /v1/models shows the aliases of each version.")


def _reason(source: str) -> str:
    kind, _, name = source.partition(":")
    return "shipped with the program" if kind == "shipped" else f"promoted by {kind} {name}".strip()


def _aliases(session: Session) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for alias in session.scalars(select(Alias).order_by(Alias.alias)):
        names.setdefault(alias.number, []).append(alias.alias)
    return names
