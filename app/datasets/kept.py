"""The pictures of the latest predictions, if an operator has switched that on (NUMERAL_KEEP_PREDICTIONS).

They are written a few times a second by a thread of their own, so that no prediction waits for the database.
"""

import threading
import time
from collections import OrderedDict
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from app.datasets.tables import KeptPrediction
from app.db import Sessions, database_now
from app.errors import PredictionNotKept

PRUNE_SECONDS = 60.0  # between two looks for pictures that are too old, or too many
MAX_UNWRITTEN = 5000  # in memory while the database is unavailable, 4 MB; the oldest go


class KeptPredictions:
    """One per process; all processes share the table. `max_count` 0: nothing is kept."""

    def __init__(self, sessions: Sessions, *, max_count: int, max_hours: int) -> None:
        self._sessions, self.max_count, self._max_age = sessions, max_count, timedelta(hours=max_hours)
        self._lock = threading.Lock()
        self._unwritten: OrderedDict[str, bytes] = OrderedDict()
        self._pruned_at = float("-inf")  # by time.monotonic()

    def keep(self, pixels: NDArray[np.float32]) -> str:
        """Keep the picture (28, 28), 0..1, of a prediction. Returns its id."""
        prediction_id, image = str(uuid7()), (pixels * 255).round().astype(np.uint8).tobytes()
        with self._lock:
            self._unwritten[prediction_id] = image
            if len(self._unwritten) > MAX_UNWRITTEN:
                self._unwritten.popitem(last=False)
        return prediction_id

    def find(self, prediction_id: str) -> NDArray[np.uint8]:
        """Returns the picture (28, 28) of a prediction. Raises PredictionNotKept."""
        with self._lock:
            image = self._unwritten.get(prediction_id)
        if image is None and self.max_count:
            with self._sessions.reading() as session:
                image = session.scalar(select(KeptPrediction.image).where(KeptPrediction.id == prediction_id))
        if image is None:
            reason = (
                f"only the last {self.max_count:,} of the last {self._max_age / timedelta(hours=1):g} hours are kept"
                if self.max_count
                else "this service keeps no pictures (NUMERAL_KEEP_PREDICTIONS)"
            )
            raise PredictionNotKept(
                f"The picture of prediction {prediction_id!r} is not there: {reason}. Send the picture itself.",
                location="body.prediction_id",
            )
        return np.frombuffer(image, np.uint8).reshape(28, 28)

    def write(self) -> None:
        """Write what was kept since the last call; once a minute, delete what is too old or too much."""
        with self._lock:
            written = dict(self._unwritten)
        is_due = time.monotonic() > self._pruned_at + PRUNE_SECONDS
        if not written and not is_due:
            return
        if written:
            with self._sessions.writing() as session:
                self._insert(session, written)
            with self._lock:
                for name in written:
                    self._unwritten.pop(name, None)
        if is_due:
            with self._sessions.writing() as session:
                self._prune(session, database_now(session))
            self._pruned_at = time.monotonic()

    def _insert(self, session: Session, written: dict[str, bytes]) -> None:
        """Those that are there already were written before, by a call that was not told so."""
        now = database_now(session)
        rows = [{"id": name, "image": image, "created_at": now} for name, image in written.items()]
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(KeptPrediction).on_conflict_do_nothing(), rows)

    def _prune(self, session: Session, now: datetime) -> None:
        session.execute(delete(KeptPrediction).where(KeptPrediction.created_at < now - self._max_age))
        newest = select(KeptPrediction.id).order_by(KeptPrediction.id.desc())
        first_too_many = session.scalar(newest.offset(self.max_count).limit(1))
        if first_too_many is not None:
            session.execute(delete(KeptPrediction).where(KeptPrediction.id <= first_too_many))
