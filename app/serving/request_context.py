"""What a client allows its request: how long it may wait, and whether the client still waits for the answer."""

import time
from collections.abc import Callable
from typing import NamedTuple

from app.errors import ClientGone, DeadlineExceeded


def _never() -> bool:
    return False


class RequestContext(NamedTuple):
    """Handed through all steps of a prediction, and checked before each slow step."""

    deadline: float | None = None  # by time.monotonic()
    is_disconnected: Callable[[], bool] = _never

    def check(self) -> None:
        """Raise ClientGone if the client disconnected, DeadlineExceeded if its deadline passed."""
        if self.is_disconnected():
            raise ClientGone("The client disconnected before its request was computed.")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded("The time given for this request was up before it was computed; ask again.")

    def until(self, deadline: float) -> "RequestContext":
        """The same with this deadline, if it is the earlier one."""
        return self._replace(deadline=deadline if self.deadline is None else min(self.deadline, deadline))
