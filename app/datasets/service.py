"""The use cases of data sets. A function that takes a `session` joins the caller's transaction."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from app.datasets import corrections
from app.datasets.feedback import read_feedback
from app.datasets.tables import Dataset, DatasetCorrection, FeedbackPicture
from app.db import Sessions, database_now
from app.errors import (
    DatasetBuiltIn,
    DatasetExists,
    DatasetNotFound,
    PictureNotFound,
    QuotaReached,
    StorageUnavailable,
)
from app.storage import Storage
from app.validation_messages import nearest
from models.datasets.built_in import BUILT_IN, FEEDBACK
from models.datasets.contents import Rejected
from models.datasets.pictures import LabelledPictures, read_npz, write_npz
from models.wording import counted

MAX_DATASETS = 1000
MAX_COMPARED = 100  # names, with one that is not there
MAX_LISTED_REJECTED = 1000  # of the files that could not be read, in a data set's document


def create(
    sessions: Sessions,
    storage: Storage,
    name: str,
    pictures: LabelledPictures,
    rejected: Sequence[Rejected],
    *,
    max_bytes: int,
) -> Dataset:
    """Store an uploaded data set. Returns it. Raises DatasetExists, DatasetBuiltIn, QuotaReached, StorageFull,
    StorageUnavailable."""

    def write(file: BinaryIO) -> None:
        write_npz(pictures, file)

    with sessions.reading() as session:
        require_free(session, name)
    stored = storage.put_file(f"datasets/{name}-{uuid4().hex}.npz", write)
    listed = [{"file": each.name, "reason": each.reason} for each in rejected[:MAX_LISTED_REJECTED]]
    try:
        with sessions.writing() as session:
            _require_space(session, stored.size, max_bytes)
            dataset = Dataset(
                name=name,
                sha256=stored.sha256,
                artifact=stored.name,
                stored_bytes=stored.size,
                counts=pictures.counts,
                splits=pictures.split_sizes,
                rejected={"total": len(rejected), "items": listed},
                created_at=database_now(session),
            )
            session.add(dataset)
    except (
        IntegrityError,
        QuotaReached,
    ) as error:  # rolled back for certain; after a lost connection a row may name it
        with suppress(StorageUnavailable):  # `numeral gc` removes what no row names
            storage.delete(stored.name)
        if isinstance(error, IntegrityError):  # another upload of this name was first
            raise _exists(name) from error
        raise
    return dataset


def require_free(session: Session, name: str) -> None:
    """Raise DatasetBuiltIn or DatasetExists if an upload cannot have this name."""
    if name in BUILT_IN or name == FEEDBACK:
        raise DatasetBuiltIn(f"{name!r} is the name of a built-in data set; choose another.", location="body.name")
    if session.get(Dataset, name) is not None:
        raise _exists(name)


def list_(sessions: Sessions) -> Sequence[Dataset]:
    """Returns the data sets of users, without their rejected files, newest first."""
    query = select(Dataset).options(defer(Dataset.rejected)).order_by(Dataset.created_at.desc(), Dataset.name)
    with sessions.reading() as session:
        return session.scalars(query).all()


def get(sessions: Sessions, name: str) -> Dataset:
    """Returns a data set of users. Raises DatasetNotFound."""
    with sessions.reading() as session:
        return dataset_row(session, name)


def dataset_row(session: Session, name: str, *, is_shared: bool = False) -> Dataset:
    """Returns the row of a data set; with `is_shared`, it stays until the transaction ends. Raises DatasetNotFound."""
    query = select(Dataset).where(Dataset.name == name)
    found = session.scalars(query.with_for_update(read=True) if is_shared else query).one_or_none()
    if found is None:
        known = session.scalars(select(Dataset.name).order_by(Dataset.created_at.desc()).limit(MAX_COMPARED))
        guess = nearest(name, [*BUILT_IN, *known])
        hint = f"; do you mean {guess!r}?" if guess else ". GET /v1/datasets lists those that there are."
        raise DatasetNotFound(f"There is no data set {name!r}{hint}")
    return found


def delete(sessions: Sessions, storage: Storage, name: str, *, require_unused: Callable[[Session, str], None]) -> None:
    """Delete a data set of users, unless `require_unused` raises. Raises DatasetNotFound, DatasetBuiltIn."""
    if name in BUILT_IN:
        raise DatasetBuiltIn(f"{name!r} is built in and cannot be deleted.")
    with sessions.writing() as session:
        query = select(Dataset).where(Dataset.name == name).with_for_update()
        found = session.scalars(query).one_or_none() or dataset_row(session, name)
        require_unused(session, name)
        session.delete(found)
        session.execute(delete_rows(DatasetCorrection).where(DatasetCorrection.dataset == name))
        if name == FEEDBACK:
            session.execute(delete_rows(FeedbackPicture))
    if found.artifact is not None:
        with suppress(StorageUnavailable):  # no row names it; `numeral gc` removes what is left
            storage.delete(found.artifact)


def read_pictures(sessions: Sessions, storage: Storage, name: str, *, sha256: str) -> LabelledPictures:
    """Returns the pictures, with the labels that the data set had when its sha256 was this one.

    Raises DatasetNotFound if it was deleted, or deleted and uploaded anew; ArtifactDamaged, StorageUnavailable.
    """
    with sessions.reading() as session:
        dataset = dataset_row(session, name)
        corrected = require_state(session, dataset, sha256)
    if dataset.artifact is None:
        return read_feedback(sessions, sha256)
    stored = corrections.sha256_of_artifact(dataset, corrected)
    pictures = read_npz(storage.get(dataset.artifact, sha256=stored))
    return corrections.apply(pictures, corrected, sha256=sha256)


def require_state(session: Session, dataset: Dataset, sha256: str) -> Sequence[DatasetCorrection]:
    """Returns the corrections of a data set. Raises DatasetNotFound if an uploaded one never had this sha256; that of
    `feedback` is looked for in its pictures when they are read."""
    corrected = corrections.list_(session, dataset.name)
    known = (corrections.sha256_of_artifact(dataset, corrected), *(each.sha256 for each in corrected))
    if dataset.artifact is not None and sha256 not in known:
        raise DatasetNotFound(
            f"The data set {dataset.name!r} is not the one of the job any more: it was deleted, and another was "
            "uploaded under its name. Submit the job again."
        )
    return corrected


def find_artifact(sessions: Sessions, name: str) -> tuple[str, str]:
    """Returns the artifact that holds an uploaded data set as it was uploaded, and its sha256.

    Raises DatasetNotFound, DatasetBuiltIn.
    """
    if name in BUILT_IN or name == FEEDBACK:
        raise DatasetBuiltIn(f"The labels of {name!r} cannot be corrected; those of an uploaded data set can.")
    with sessions.reading() as session:
        dataset = dataset_row(session, name)
        return dataset.artifact or "", corrections.sha256_of_artifact(dataset, corrections.list_(session, name))


def correct_label(
    sessions: Sessions, name: str, position: int, digit: int, *, artifact: str, labels: NDArray[np.uint8]
) -> Dataset:
    """Say which digit one picture of an uploaded data set shows. Returns the data set, with another sha256.

    `labels` are those in its `artifact`. What was trained on it before keeps the labels of then. Raises
    DatasetNotFound, PictureNotFound, DatasetFull.
    """
    if position >= len(labels):
        raise PictureNotFound(
            f"The data set {name!r} has {counted(len(labels), 'picture')}, from 0; there is no {position:,}."
        )
    with sessions.writing() as session:
        query = select(Dataset).where(Dataset.name == name).with_for_update()
        current = session.scalars(query).one_or_none()
        if current is None or current.artifact != artifact:
            raise DatasetNotFound(
                f"The data set {name!r} has just been deleted. GET /v1/datasets lists those there are."
            )
        corrections.add(session, current, position, digit, label=int(labels[position]))
        return current


def _require_space(session: Session, size: int, max_bytes: int) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext("datasets"))))
    total, count = session.execute(select(func.coalesce(func.sum(Dataset.stored_bytes), 0), func.count())).one()
    used = int(total)  # PostgreSQL adds up to a Decimal
    if used + size > max_bytes or count >= MAX_DATASETS:
        raise QuotaReached(
            f"The service holds {counted(count, 'data set')} of {used / 1e6:,.1f} MB, this one has "
            f"{size / 1e6:,.1f} MB; {MAX_DATASETS:,} and {max_bytes / 1e6:,.0f} MB are allowed "
            "(NUMERAL_MAX_DATASET_BYTES). Delete those that are no longer needed (DELETE /v1/datasets/{name})."
        )


def _exists(name: str) -> DatasetExists:
    return DatasetExists(
        f"There is a data set {name!r} already. Choose another name, or delete it first (DELETE /v1/datasets/{name}).",
        location="body.name",
    )
