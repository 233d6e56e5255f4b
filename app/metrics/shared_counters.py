"""Numbers that several processes count together, each process in a memory-mapped file of its own.

Counting adds to a slot in memory, which takes 0.1 us; a reader adds up the files of all processes. What a process has
counted survives it, even when it is killed, until the service is started again.
"""

import logging
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

MAX_SLOTS = 16_384  # of 8 bytes
SPARE_SLOTS = 64  # the last ones are never read: they take what is counted when all others are in use
NAMES, NUMBERS = ".names", ".numbers"


class SharedCounters:
    """The slots of this process. One thread only may add to a slot; any thread may read the sums."""

    def __init__(self, folder: Path | None, *, max_slots: int = MAX_SLOTS) -> None:
        self._folder = folder
        self._slots: dict[str, int] = {}
        self._lock = threading.Lock()
        self._spare_slot = max_slots - SPARE_SLOTS
        self._file: Path | None = None
        memory = mmap.mmap(-1, max_slots * 8)
        if folder is not None:
            try:
                self._file, memory = _map_file(folder, max_slots * 8)
            except OSError as error:  # predictions matter more than their metrics
                logger.warning("metrics are of one process only: %s cannot be written (%s)", folder, error.strerror)
        self.values = memoryview(memory).cast("d")

    def slots(self, names: Sequence[str]) -> int:
        """Reserve consecutive slots, one a name, and return the first; the same one for the same names.

        Returns a spare slot where no room is left, in memory or on the disk. A name must not contain a line break.
        """
        with self._lock:
            if (known := self._slots.get(names[0])) is not None:
                return known
            first = len(self._slots)
            if first + len(names) > self._spare_slot:
                return self._spare_slot
            if self._file is not None and not _append(self._file.with_suffix(NAMES), names):
                return self._spare_slot
            self._slots |= {name: first + offset for offset, name in enumerate(names)}
            return first

    def sums(self) -> dict[str, float]:
        """The sum over all processes, by name."""
        sums: dict[str, float] = {}
        for names, values in self._processes():
            for name, value in zip(names, values, strict=False):
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def _processes(self) -> Iterator[tuple[Sequence[str], Sequence[float]]]:
        """The names and numbers of each process, this one first."""
        with self._lock:
            names = list(self._slots)
        yield names, self.values[: len(names)].tolist()
        for path in sorted(self._folder.glob(f"*{NAMES}")) if self._folder and self._file else ():
            if path.stem != self._file.stem:  # type: ignore[union-attr]
                try:
                    lines = path.read_text().split("\n")[:-1]  # a name that is still being written has no line end
                    content = path.with_suffix(NUMBERS).read_bytes()[: len(lines) * 8]
                except OSError:
                    continue
                yield lines, memoryview(content).cast("d").tolist()


def clear(folder: Path) -> None:
    """Delete what an earlier service counted. Call it before the processes of this one start."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.suffix in (NAMES, NUMBERS):
            path.unlink(missing_ok=True)


def _append(path: Path, names: Sequence[str]) -> bool:
    """Append all names to the file, or none. Returns False when the disk is full."""
    content = "".join(f"{name}\n" for name in names).encode()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        with suppress(OSError):
            if file.write(content) == len(content):
                return True
        with suppress(OSError):
            os.truncate(path, end)
    logger.warning("%r will not be counted: there is no room for its name in %s", names[0], path)
    return False


def _map_file(folder: Path, size: int) -> tuple[Path, mmap.mmap]:
    """Create and map a file, and write all of it: a disk that fills up later cannot stop the process."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}-{os.urandom(4).hex()}{NUMBERS}"
    with path.open("x+b") as file:
        file.write(bytes(size))
        file.flush()
        return path, mmap.mmap(file.fileno(), size)
