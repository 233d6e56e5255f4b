"""A progress bar for terminals and notebooks."""

from __future__ import annotations

import sys
from typing import TextIO

BAR_WIDTH = 30


class ProgressBar:
    """One line on stderr, written over and over; nothing where that is neither a terminal nor a notebook."""

    def __init__(self, label: str = "", *, is_shown: bool | None = None, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_shown = is_shown if is_shown is not None else self._stream.isatty() or _is_notebook()
        self._label = f"{label}  " if label else ""
        self._width = 0

    def show(self, done: int, total: int, unit: str = "", *, eta_seconds: float | None = None) -> None:
        filled = BAR_WIDTH * done // total if total else 0
        left = "" if eta_seconds is None else f"  {format_seconds(eta_seconds)} left"
        self._write(f"{self._label}[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done:,}/{total:,} {unit}{left}")

    def clear(self) -> None:
        """Make room for a line of its own."""
        if self._width:
            self._write("")
            self._stream.write("\r")
            self._width = 0

    def close(self) -> None:
        if self._width:
            self._stream.write("\n")
            self._width = 0

    def _write(self, line: str) -> None:
        if self._is_shown:
            self._stream.write("\r" + line.ljust(self._width))
            self._stream.flush()
            self._width = len(line)


def format_seconds(seconds: float) -> str:
    """A duration in its largest unit: 12 s, 3 min, 5 h, 2 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= 100):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _is_notebook() -> bool:
    return "ipykernel" in sys.modules
