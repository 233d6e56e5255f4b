"""How requests are turned away when there are too many.

A refusal takes 0.1 to 0.2 ms of the processor. To clients that ask again at once, against all advice, refusals alone
would take more of it than the answers to others; so they are handed out at a pace, and such a client waits for its own.
"""

import asyncio
import time
from typing import NoReturn

from app.errors import Overloaded

PER_SECOND = 100
LONGEST_SECONDS = 1.0  # that one is held back; with more clients than PER_SECOND, the pace gives way


class Refusals:
    """The pace of one process."""

    def __init__(self) -> None:
        self._next = 0.0

    async def refuse(self, detail: str) -> NoReturn:
        """Raise Overloaded, at once if few were refused lately."""
        now = time.monotonic()
        mine = min(max(now, self._next), now + LONGEST_SECONDS)
        self._next = mine + 1 / PER_SECOND
        if mine > now:
            await asyncio.sleep(mine - now)
        raise Overloaded(detail)
