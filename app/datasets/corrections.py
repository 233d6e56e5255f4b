"""Corrected labels of an uploaded data set. Its file stays as it is: each correction is a row, and names the data set
with all corrections so far by a sha256, so that a job trains on the labels that were there when it was submitted."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.datasets.tables import Dataset, DatasetCorrection
from app.db import database_now
from app.errors import DatasetFull
from models.datasets.pictures import LabelledPictures

MAX_CORRECTIONS = 10_000  # of one data set


def list_(session: Session, name: str) -> Sequence[DatasetCorrection]:
    """Returns the corrections of a data set, oldest first."""
    query = select(DatasetCorrection).where(DatasetCorrection.dataset == name)
    return session.scalars(query.order_by(DatasetCorrection.number)).all()


def sha256_of_artifact(dataset: Dataset, corrected: Sequence[DatasetCorrection]) -> str:
    return corrected[0].before if corrected else dataset.sha256


def apply(pictures: LabelledPictures, corrected: Sequence[DatasetCorrection], *, sha256: str) -> LabelledPictures:
    """Returns the pictures with the corrections up to the one of this sha256; without any if that is the file's."""
    names = [each.sha256 for each in corrected]
    labels = pictures.labels.copy()
    for each in corrected[: names.index(sha256) + 1 if sha256 in names else 0]:
        labels[each.position] = each.digit
    return replace(pictures, labels=labels)


def add(session: Session, dataset: Dataset, position: int, digit: int, *, label: int) -> None:
    """Record a correction in the row of the data set, which the caller has locked, unless the picture has this digit.

    `label` is the one in the file. Raises DatasetFull.
    """
    mine = select(DatasetCorrection).where(DatasetCorrection.dataset == dataset.name)
    latest = mine.where(DatasetCorrection.position == position).order_by(DatasetCorrection.number.desc())
    last = session.scalars(latest.limit(1)).first()
    present = last.digit if last else label
    if present == digit:
        return
    total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    if total >= MAX_CORRECTIONS:
        raise DatasetFull(
            f"{total:,} labels of the data set {dataset.name!r} have been corrected, the most that can be. Correct "
            "your own files, and upload them under another name."
        )
    content = bytes.fromhex(dataset.sha256) + position.to_bytes(4, "big") + bytes([digit])
    sha256 = hashlib.sha256(content).hexdigest()
    session.add(
        DatasetCorrection(
            dataset=dataset.name,
            position=position,
            digit=digit,
            before=dataset.sha256,
            sha256=sha256,
            created_at=database_now(session),
        )
    )
    dataset.sha256 = sha256
    dataset.counts = dataset.counts | {
        str(present): dataset.counts[str(present)] - 1,
        str(digit): dataset.counts[str(digit)] + 1,
    }
