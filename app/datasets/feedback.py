"""The data set `feedback`: pictures whose right digit a user has told, added one by one, never changed."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.datasets.tables import Dataset, FeedbackPicture
from app.db import Sessions, database_now
from app.errors import DatasetFull, DatasetNotFound
from models.datasets.built_in import FEEDBACK
from models.datasets.pictures import LabelledPictures, split

MAX_FEEDBACK_PICTURES = 10_000
START = hashlib.sha256(FEEDBACK.encode()).hexdigest()  # what the first picture's sha256 continues


def add(sessions: Sessions, image: NDArray[np.uint8], digit: int) -> Dataset:
    """Add a picture (28, 28) to the data set. Returns it. Raises DatasetFull."""
    with sessions.writing() as session:
        dataset = _lock(session)
        total = sum(dataset.counts.values())
        if total >= MAX_FEEDBACK_PICTURES:
            raise DatasetFull(
                f"The data set {FEEDBACK!r} holds {total:,} pictures, the most that it can. Delete it (DELETE "
                f"/v1/datasets/{FEEDBACK}) to begin anew; versions that were trained on it must go first."
            )
        content = image.tobytes()
        sha256 = hashlib.sha256(bytes.fromhex(dataset.sha256) + bytes([digit]) + content).hexdigest()
        now = database_now(session)
        session.add(FeedbackPicture(digit=digit, image=content, sha256=sha256, created_at=now))
        dataset.sha256 = sha256
        dataset.counts = dataset.counts | {str(digit): dataset.counts[str(digit)] + 1}
        dataset.stored_bytes += len(content)
        return dataset


def read_feedback(sessions: Sessions, sha256: str) -> LabelledPictures:
    """Returns the pictures up to the one of this sha256. Raises DatasetNotFound if it was deleted."""
    with sessions.reading() as session:
        last = session.scalar(select(FeedbackPicture.number).where(FeedbackPicture.sha256 == sha256))
        if last is None:
            raise DatasetNotFound(f"The pictures of the data set {FEEDBACK!r} that were asked for have been deleted.")
        columns = select(FeedbackPicture.image, FeedbackPicture.digit).where(FeedbackPicture.number <= last)
        rows = session.execute(columns.order_by(FeedbackPicture.number)).all()
    images = np.frombuffer(b"".join(image for image, _ in rows), np.uint8).reshape(-1, 28, 28)
    return split(images, np.array([digit for _, digit in rows], np.uint8))


def _lock(session: Session) -> Dataset:
    """Returns the row of the data set, locked until the transaction ends; makes it if it is not there."""
    if session.get_bind().dialect.name == "postgresql":  # a row that is not there cannot be locked
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"dataset:{FEEDBACK}"))))
    query = select(Dataset).where(Dataset.name == FEEDBACK).with_for_update()
    found = session.scalars(query).one_or_none()
    if found is None:
        found = Dataset(
            name=FEEDBACK,
            sha256=START,
            artifact=None,
            stored_bytes=0,
            counts={str(digit): 0 for digit in range(10)},
            splits={},
            rejected={"total": 0, "items": []},
            created_at=database_now(session),
        )
        session.add(found)
    return found
