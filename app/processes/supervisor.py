"""Start child processes, restart those that die, and stop all of them together."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

GRACE_SECONDS = 15.0  # from SIGTERM to SIGKILL
RESTART_DELAYS = (0.2, 1.0, 5.0, 15.0)  # seconds, after the first, second ... death in a row
HEALTHY_AFTER_SECONDS = 30.0  # a child that lived this long starts again at the first delay
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


@contextlib.contextmanager
def supervising(environment: dict[str, str]) -> Iterator["Supervisor"]:
    """A supervisor that stops at SIGINT, SIGTERM and SIGHUP. Its children end with the block."""
    supervisor = Supervisor(environment)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, supervisor.stop)
    try:
        yield supervisor
    finally:
        supervisor.end_all()


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    ends_last: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)  # beside the supervisor's
    logs_only: bool = False  # what it prints beside its log is dropped
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started: float = 0.0
    restart_at: float = 0.0

    def start(self, environment: dict[str, str]) -> None:
        # A session of its own: Ctrl-C reaches only the supervisor. On Linux the child ends when the supervisor does.
        self.process = subprocess.Popen(
            self.command,
            env={**environment, **self.environment},
            start_new_session=True,
            preexec_fn=_end_with_parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if self.logs_only else None,
        )
        self.started = time.monotonic()


class Supervisor:
    """Keeps children alive until `stop` is called, then ends them; those that `ends_last` after all others."""

    def __init__(self, environment: dict[str, str], *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._environment = os.environ | environment
        self._children: list[Child] = []
        self._stopping, self._reason = threading.Event(), "it was told to"

    def start(
        self,
        name: str,
        *command: str,
        ends_last: bool = False,
        environment: Mapping[str, str] | None = None,
        logs_only: bool = False,
    ) -> None:
        """Start a child, and restart it whenever it dies."""
        child = Child(name, command, ends_last, environment or {}, logs_only)
        child.start(self._environment)
        self._children.append(child)

    def is_alive(self, name: str) -> bool:
        return any(child.name == name and child.process and child.process.poll() is None for child in self._children)

    def stop(self, number: int | None = None, _: object = None) -> None:
        """Make `run` return soon. Can be a signal handler."""
        if number is not None:
            self._reason = f"{signal.Signals(number).name} was received"
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def run(self) -> None:
        """Keep the children alive until `stop`, then end them."""
        try:
            while not self._stopping.wait(0.2):
                for child in self._children:
                    self._keep_alive(child)
            logger.info("stopping all processes: %s", self._reason)
        finally:
            self.end_all()

    def end_all(self) -> None:
        """Send SIGTERM to all children, and SIGKILL to those that are alive after the grace period."""
        for is_last in (False, True):
            deadline = time.monotonic() + self._grace_seconds
            ending = [child for child in self._children if child.ends_last == is_last and child.process]
            for child in ending:
                if child.process and child.process.poll() is None:
                    child.process.terminate()
            for child in ending:
                while child.process and child.process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.02)
                _kill_group(child)
                child.process = None

    def _keep_alive(self, child: Child) -> None:
        if child.process is not None and child.process.poll() is not None:
            code = child.process.returncode
            _kill_group(child)  # its own children may have outlived it
            child.process = None
            child.deaths = 1 if time.monotonic() - child.started > HEALTHY_AFTER_SECONDS else child.deaths + 1
            delay = RESTART_DELAYS[min(child.deaths, len(RESTART_DELAYS)) - 1]
            child.restart_at = time.monotonic() + delay
            logger.warning("%s ended with %d; it starts again in %.1f s", child.name, code, delay)
        elif child.process is None and time.monotonic() >= child.restart_at:
            child.start(self._environment)


def _kill_group(child: Child) -> None:
    """Send SIGKILL to the child's whole process group."""
    if child.process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait()


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
