"""The use cases of the model registry. A function that takes a `session` joins the caller's transaction."""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Sessions, database_now
from app.errors import ArtifactDamaged, ModelFileNotFound, ModelInUse, ModelNotFound
from app.registry import alias_changes, gate
from app.registry.tables import Alias, ModelVersion
from app.storage import Artifact, Storage
from app.validation_messages import nearest

CHAMPION, MODEL_FILE = gate.CHAMPION, gate.MODEL_FILE
WEIGHTS_FILE, CARD_FILE = "weights.safetensors", "card.json"
HARDEST_FILE = "hardest.png"  # only of versions that a job made
ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,39}")
MAX_COMPARED_ALIASES = 100  # with a name that is not there
SHIPPED = Path(__file__).parents[2] / "models" / "pretrained"


def store_files(storage: Storage, folder: str, files: dict[str, bytes]) -> dict[str, Artifact]:
    """Store a version's files, before any row names them."""
    return {name: storage.put(f"{folder}/{name}", content) for name, content in files.items()}


def register(session: Session, *, source: str, card: dict[str, Any], files: dict[str, Artifact]) -> str:
    """Register stored files as a new version, not yet promoted. Returns its name."""
    rows = {name: {"artifact": file.name, "sha256": file.sha256, "size": file.size} for name, file in files.items()}
    version = ModelVersion(source=source, card=card, files=rows, created_at=database_now(session))
    session.add(version)
    session.flush()
    return str(version.number)


def version_of_job(session: Session, job_id: str) -> str | None:
    """Returns the name of the version that a training job made, if there is one."""
    number = session.scalars(select(ModelVersion.number).where(ModelVersion.source == f"job:{job_id}")).one_or_none()
    return None if number is None else str(number)


def job_of(version: ModelVersion) -> str | None:
    """Returns the id of the training job that made a version, if one did."""
    kind, _, job_id = version.source.partition(":")
    return job_id if kind == "job" else None


def find_file_of_job(sessions: Sessions, job_id: str, file: str) -> Artifact | None:
    """Returns where a file of the version that a job made is stored, if there are both."""
    with sessions.reading() as session:
        version = version_of_job(session, job_id)
        row = version_row(session, version).files.get(file) if version else None
    return row and Artifact(row["artifact"], row["sha256"], row["size"])


def set_note(sessions: Sessions, name: str, note: str | None) -> None:
    """Write the note of a version, by its name or an alias; None removes it. Raises ModelNotFound."""
    with sessions.writing() as session:
        find_version(session, name).note = note


def promote_if_better(session: Session, version: str, storage: Storage | None = None) -> tuple[bool, str]:
    """Make `version` the champion if it passes the gate (gate.py). Returns whether it did, and why."""
    registered = version_row(session, version)
    current = alias_changes.lock(session, CHAMPION)
    champion = None if current is None else version_row(session, str(current))
    verdict = gate.judge(registered, champion, storage)
    if verdict.is_passed:
        alias_changes.move(session, CHAMPION, int(version), reason=_reason(registered.source))
    return verdict.is_passed, str(verdict)


def measure_champion(sessions: Sessions, storage: Storage) -> None:
    """Measure the present champion for the gate, if its card lacks figures: in time, so that no transaction waits.

    Raises StorageUnavailable.
    """
    with sessions.reading() as session:
        champion = gate.present_champion(session)
    if champion is not None:
        with suppress(ArtifactDamaged):  # the gate says so
            gate.figures_on_pictures(champion, storage)


def resolve(sessions: Sessions, name: str) -> str:
    """Returns the version that `name`, a version or an alias, stands for. Raises ModelNotFound."""
    with sessions.reading() as session:
        version = _resolve_alias(session, name)
        return version if version != name else str(version_row(session, name).number)


def get(sessions: Sessions, name: str) -> tuple[ModelVersion, list[str]]:
    """Returns a version, by its name or an alias, with all its aliases. Raises ModelNotFound."""
    with sessions.reading() as session:
        version = find_version(session, name)
        return version, _aliases(session).get(version.number, [])


def list_numbers(sessions: Sessions) -> list[int]:
    """Returns the numbers of all versions, oldest first."""
    with sessions.reading() as session:
        return list(session.scalars(select(ModelVersion.number).order_by(ModelVersion.number)))


def list_(sessions: Sessions) -> list[tuple[ModelVersion, list[str]]]:
    """Returns all versions, newest first, each with its aliases."""
    with sessions.reading() as session:
        names = _aliases(session)
        versions = session.scalars(select(ModelVersion).order_by(ModelVersion.number.desc()))
        return [(version, names.get(version.number, [])) for version in versions]


def delete(
    sessions: Sessions, version: str, *, require_unused: Callable[[Session, str], None]
) -> tuple[str, list[str]]:
    """Delete a version that has no alias now, unless `require_unused` raises. Returns its name and artifacts.

    The history of aliases keeps its number, which no other version gets.

    Raises ModelNotFound, ModelInUse.
    """
    try:
        with sessions.writing() as session:
            found = version_row(session, version, lock={"read": False})
            require_unused(session, str(found.number))
            session.delete(found)
            return str(found.number), [file["artifact"] for file in found.files.values()]
    except IntegrityError as error:  # an alias refers to it
        raise ModelInUse(
            f"Version {version} serves under an alias. Point that at another version, or remove it, then delete this."
        ) from error


def existing_versions(sessions: Sessions, versions: Sequence[str]) -> set[str]:
    """Returns those of `versions` that exist."""
    with sessions.reading() as session:
        rows = session.scalars(select(ModelVersion.number).where(ModelVersion.number.in_(map(int, versions))))
        return {str(number) for number in rows}


def find_file(sessions: Sessions, name: str, file: str) -> Artifact:
    """Returns where a version's file is stored. Raises ModelNotFound, ModelFileNotFound."""
    version, _ = get(sessions, name)
    if file not in version.files:
        raise ModelFileNotFound(
            f"Version {version.number} has no file {file!r}; it has {', '.join(sorted(version.files))}."
        )
    row = version.files[file]
    return Artifact(row["artifact"], row["sha256"], row["size"])


def read_file(sessions: Sessions, storage: Storage, name: str, file: str) -> bytes:
    """Returns the bytes of a version's file. Raises ModelNotFound, ModelFileNotFound, StorageUnavailable."""
    found = find_file(sessions, name, file)
    return storage.get(found.name, sha256=found.sha256)


def install_shipped(sessions: Sessions, storage: Storage, folder: Path = SHIPPED) -> None:
    """Register the network that ships with the program, unless it is; it becomes champion by the same rules."""
    card = json.loads((folder / CARD_FILE).read_text())
    source = f"shipped:{card['weights_sha256']}"
    with sessions.reading() as session:
        if session.scalars(select(ModelVersion.number).where(ModelVersion.source == source)).first() is not None:
            return
    files = {name: (folder / name).read_bytes() for name in (MODEL_FILE, WEIGHTS_FILE, CARD_FILE)}
    # A new name for each try: `numeral gc` may be deleting the files of an earlier one.
    stored = store_files(storage, f"models/shipped-{card['weights_sha256'][:16]}-{uuid4().hex[:8]}", files)
    try:
        with sessions.writing() as session:
            promote_if_better(session, register(session, source=source, card=card, files=stored), storage)
    except IntegrityError:  # another process registered it first
        pass


def find_version(session: Session, name: str) -> ModelVersion:
    """Returns the row of a version, by its name or an alias. Raises ModelNotFound."""
    return version_row(session, _resolve_alias(session, name))


def _resolve_alias(session: Session, name: str) -> str:
    """Returns the version that an alias stands for, and any other name unchanged."""
    alias = session.get(Alias, name) if ALIAS.fullmatch(name) else None
    return str(alias.number) if alias else name


def version_row(session: Session, version: str, *, lock: dict[str, bool] | None = None) -> ModelVersion:
    """Returns the row of a version; with a lock, as of `with_for_update`, it stays until the transaction ends.

    Raises ModelNotFound.
    """
    is_number = version.isascii() and version.isdecimal() and len(version) <= 9
    found = session.get(ModelVersion, int(version), with_for_update=lock) if is_number else None
    if found is None:
        raise _version_not_found(session, version)
    return found


def _version_not_found(session: Session, name: str) -> ModelNotFound:
    if (number := _resolve_alias(session, name)) != name:
        return ModelNotFound(f"{name!r} is an alias of version {number}; name the version.")
    hint = suggest_alias(session, name) or ". GET /v1/models lists those that there are."
    return ModelNotFound(f"There is no model version or alias {name!r}{hint}")


def suggest_alias(session: Session, name: str) -> str:
    """The end of a sentence about an alias that is not there: the nearest one, if any is near."""
    known = session.scalars(select(Alias.alias).order_by(Alias.changed_at.desc()).limit(MAX_COMPARED_ALIASES))
    guess = nearest(name, known.all())
    return f"; do you mean {guess!r}?" if guess else ""


def _reason(source: str) -> str:
    kind, _, name = source.partition(":")
    return "shipped with the program" if kind == "shipped" else f"promoted by {kind} {name}".strip()


def _aliases(session: Session) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for alias in session.scalars(select(Alias).order_by(Alias.alias)):
        names.setdefault(alias.number, []).append(alias.alias)
    return names
