"""How much connections and unfinished requests may occupy in one process."""

import ctypes
import resource
from dataclasses import dataclass

FILE_RESERVE = 256  # descriptors for database, artifacts, models and the like
MAX_SOFT_DESCRIPTORS = 65_536
LARGE_BYTES = 64 * 2**20  # after so many bytes of bodies, the heap is worth trimming


@dataclass(frozen=True)
class ServerLimits:
    """A request past one of them is rejected, or its connection closed; the others go on."""

    max_head_bytes: int = 65_536  # 431, or 414 where most of it is the URL
    max_head_fields: int = 100  # 431
    head_seconds: float = 10.0  # from its first byte to its last: 408
    idle_seconds: float = 75.0  # between two requests; clients and proxies keep idle connections for 60 s at most
    body_grace_seconds: float = 20.0  # a body may pause for so long in total, whatever its pace: 408
    min_body_bytes_per_second: int = 4096  # ... and must arrive at this pace otherwise
    linger_seconds: float = (
        2.0  # that the rest of a rejected body is read and dropped, for the client to see the answer
    )
    unread_seconds: float = 30.0  # that an answer may lie unread without progress: the connection is closed
    max_unread_bytes: int = 256 * 2**20  # of all such answers together: the largest are closed
    max_connections: int = 4096  # the longest idle one is closed for a new one; where none is idle: 503
    max_body_bytes: int = 256 * 2**20  # of all unfinished bodies together: 503


class BodyBudget:
    """Counts the bytes of all bodies that are in memory and not answered yet. One per event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.used_bytes = max_bytes, 0
        self._peak_bytes = 0

    def take(self, size: int) -> bool:
        """Count `size` bytes. Returns False where that exceeds the budget."""
        self.used_bytes += size
        self._peak_bytes = max(self._peak_bytes, self.used_bytes)
        return self.used_bytes <= self.max_bytes

    def give_back(self, size: int) -> None:
        self.used_bytes -= size

    def has_shrunk(self) -> bool:
        """Whether so much was given back since this was last true that the heap is worth trimming."""
        if self._peak_bytes <= LARGE_BYTES or self.used_bytes >= self._peak_bytes // 8:
            return False
        self._peak_bytes = self.used_bytes
        return True


def trim_heap() -> None:
    """Return free memory to the system, where the C library can (glibc, malloc_trim(3))."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit of descriptors as far as it may. Returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_SOFT_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_SOFT_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else MAX_SOFT_DESCRIPTORS


def affordable_connections(wanted: int) -> int:
    """`wanted`, or fewer where the descriptors do not suffice for them and for files."""
    descriptors = raise_descriptor_limit()
    return max(16, min(wanted, descriptors - min(FILE_RESERVE, descriptors // 4)))
