"""Numbers that several processes count together: each in a file of its own, mapped into its memory.

To count is to add to a place in memory, 0.1 us; whoever wants the sums reads all the files. What a process had counted
outlives it, even where it was killed, until the service is started anew.
"""

import logging
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

SLOTS = 16_384  # of 8 bytes
SPARE = 64  # of them nobody reads: what comes when the others are taken goes there
NAMES, NUMBERS = ".names", ".numbers"


class Cells:
    """The numbers of this process. Each is added to by one thread only; any may ask for the sums."""

    def __init__(self, folder: Path | None, *, slots: int = SLOTS) -> None:
        self._folder = folder
        self._names: dict[str, int] = {}
        self._lock = threading.Lock()
        self._slots = slots
        self._file: Path | None = None
        memory = mmap.mmap(-1, slots * 8)
        if folder is not None:
            try:
                self._file, memory = _map_file(folder, slots * 8)
            except OSError as error:  # a service that serves is worth more than one that is counted in full
                logger.warning("metrics are of one process only: %s cannot be written (%s)", folder, error.strerror)
        self.values = memoryview(memory).cast("d")

    def reserve(self, names: Sequence[str]) -> int:
        """The first of as many places in a row as there are names; the same again for the same names.

        Where there is no room left, here or on the disk, a place that nobody reads.
        """
        with self._lock:
            if (known := self._names.get(names[0])) is not None:
                return known
            start = len(self._names)
            if start + len(names) > self._slots - SPARE:
                return self._slots - SPARE
            if self._file is not None and not _append(self._file.with_suffix(NAMES), names):
                return self._slots - SPARE
            self._names |= {name: start + place for place, name in enumerate(names)}
            return start

    def totals(self) -> dict[str, float]:
        """Every name with the sum of all processes' numbers."""
        sums: dict[str, float] = {}
        for names, values in self._everybody():
            for name, value in zip(names, values, strict=False):
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def _everybody(self) -> Iterator[tuple[Sequence[str], Sequence[float]]]:
        with self._lock:
            names = list(self._names)
        yield names, self.values[: len(names)].tolist()
        for path in sorted(self._folder.glob(f"*{NAMES}")) if self._folder and self._file else ():
            if path.stem != self._file.stem:  # type: ignore[union-attr]
                try:
                    lines = path.read_text().split("\n")[:-1]  # a name that is being written has no end yet
                    content = path.with_suffix(NUMBERS).read_bytes()[: len(lines) * 8]
                except OSError:
                    continue
                yield lines, memoryview(content).cast("d").tolist()


def clear(folder: Path) -> None:
    """Forget what an earlier service counted. Only before the processes of this one start."""
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.suffix in (NAMES, NUMBERS):
            path.unlink(missing_ok=True)


def _append(path: Path, names: Sequence[str]) -> bool:
    """Write the names down, all or none; whether that was done."""
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
    """A new file, mapped, with its room on the disk taken: a disk that fills up later cannot stop a process."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}-{os.urandom(4).hex()}{NUMBERS}"
    with path.open("x+b") as file:
        file.write(bytes(size))
        file.flush()
        return path, mmap.mmap(file.fileno(), size)
