"""The tables of data sets."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Dataset(Base):
    """A data set that users brought. The pictures of an uploaded one never change; `feedback` only grows."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]  # of the artifact, or of the newest correction; of `feedback`: that of its newest picture
    artifact: Mapped[str | None]  # an .npz file in the artifact store; `feedback` has none
    stored_bytes: Mapped[int] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]]  # digit -> number of pictures
    splits: Mapped[dict[str, Any]]  # train, validation, test -> number of pictures; empty for `feedback`
    rejected: Mapped[dict[str, Any]]  # {total, items: [{file, reason}]}: files of the upload that are no part of it
    created_at: Mapped[datetime]


class DatasetCorrection(Base):
    """A label of an uploaded data set that was corrected. Its sha256 is over the one before it, too: it names the data
    set with all corrections so far."""

    __tablename__ = "dataset_corrections"
    __table_args__ = (Index("corrections_of_dataset", "dataset", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    dataset: Mapped[str]
    position: Mapped[int]  # of the picture in the artifact, from 0
    digit: Mapped[int]
    before: Mapped[str]  # the sha256 that the data set had; that of the artifact, in the first one
    sha256: Mapped[str]
    created_at: Mapped[datetime]


class FeedbackPicture(Base):
    """A picture of the data set `feedback`. Its sha256 is over the one before it, too: it names all pictures so far."""

    __tablename__ = "feedback_pictures"
    __table_args__ = {"sqlite_autoincrement": True}  # numbers are never reused

    number: Mapped[int] = mapped_column(primary_key=True)
    digit: Mapped[int]
    image: Mapped[bytes]  # 28x28 bytes, row by row
    sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class KeptPrediction(Base):
    """The picture of a prediction, kept for a while so that feedback can name it."""

    __tablename__ = "kept_predictions"

    id: Mapped[str] = mapped_column(primary_key=True)  # a UUIDv7, so ids sort by age
    image: Mapped[bytes]  # 28x28 bytes, row by row
    created_at: Mapped[datetime]
