"""Processes to hurt."""

import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.e2e.conftest import wait_for


class Part:
    """A process and its descendants, with a log file."""

    def __init__(self, command: Iterable[str], environment: dict[str, str], log: Path, *, queue: str = "") -> None:
        self.log, self.queue = log, queue
        with log.open("a") as file:
            # a session of its own: what a test does to this process reaches no other
            self.process = subprocess.Popen(
                [*command], env=environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def family(self) -> list[psutil.Process]:
        """This process and all below it, the lowest last."""
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def celery(self) -> psutil.Process:
        """The parent process of a worker's Celery."""
        return self.family()[1]

    def child(self) -> psutil.Process:
        """The process that runs a worker's jobs."""
        return wait_for(lambda: next(iter(self.celery().children()), None), seconds=20)

    def kill(self) -> None:
        """SIGKILL to all of it at once, as when its machine loses power."""
        family = self.family()
        for process in family:  # first none may see another one die
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)

    def stop(self, *, seconds: float = 30) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def suspended(processes: list[psutil.Process]) -> Iterator[None]:
    """SIGSTOP now, SIGCONT afterwards."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
