"""What a client allows its request: how long it may wait, and whether anybody still does."""

import time
from collections.abc import Callable
from typing import NamedTuple

from app.errors import ClientGone, DeadlineExceeded


class Turn(NamedTuple):
    """Asked when a request's turn has come, before anything is computed for it."""

    deadline: float | None = None  # by time.monotonic()
    is_gone: Callable[[], bool] | None = None  # whether the client has hung up

    def check(self) -> None:
        """Raises ClientGone, DeadlineExceeded."""
        if self.is_gone is not None and self.is_gone():
            raise ClientGone("The client hung up before its turn came.")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded("The time given for this request was up before its turn came; nothing was computed.")
