"""How requests are turned away when there are too many.

To clients that ask again at once, against all advice, refusals alone would take more of the processor than the answers
to others; so they are handed out at a pace, and such a client waits for its own. Several go out together: alone, each
takes 0.3 ms, ten in a row 0.1 ms each, since what they need is in the processor's caches then.
"""

import asyncio
import math
import time
from typing import NoReturn

from app.errors import Overloaded

PER_SECOND = 100
TOGETHER_SECONDS = 0.1  # between those that go out together
LONGEST_SECONDS = 1.0  # that one is held back; with more clients than PER_SECOND, the pace gives way


class Refusals:
    """The pace of one process."""

    def __init__(self) -> None:
        self._next = 0.0

    async def refuse(self, detail: str) -> NoReturn:
        """Raise Overloaded, at once if none was refused lately."""
        now = time.monotonic()
        mine = min(max(now, self._next), now + LONGEST_SECONDS)
        self._next = mine + 1 / PER_SECOND
        if mine > now:
            await asyncio.sleep(math.ceil(mine / TOGETHER_SECONDS) * TOGETHER_SECONDS - now)
        raise Overloaded(detail)
