"""The process in which large pictures are decoded: killed where it takes too long, replaced where it ends.

It is for one thread at a time. What it sends is not trusted: a picture may have taken it over.
"""

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from PIL import Image

from app.errors import DecoderUnavailable
from app.serving.request_context import RequestContext
from models.errors import PictureRefused, PictureTooLarge
from models.pictures import decoder_program as program
from models.pictures.decoding import MAX_SIDE, Decoded

CHECK_SECONDS = 0.05  # after so long a disconnect is noticed
START_SECONDS = 10.0
PIPE_BYTES = 2**20
MAX_SENTENCE_BYTES = 10_000

PASSED_ON = ("PATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT", "COVERAGE_PROCESS_START")  # no secrets
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),  # what is freed is given back
    "MALLOC_TRIM_THRESHOLD_": str(2**23),
}


class DecoderProcess:
    """Runs models.pictures.decoder_program."""

    def __init__(self, *, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = self._is_closed = False
        self._in_use = threading.RLock()

    def start(self) -> None:
        """Start it, for the first picture not to wait. Raises DecoderUnavailable."""
        with self._in_use:
            if self._process is None and not self._is_closed:
                self._process, self._is_ready = self._spawn(), False

    def decode(self, content: bytes, context: RequestContext) -> Decoded:
        """Decode a picture. Raises PictureRefused where it is damaged, takes too long or too much memory, or ends the
        process; PictureTooLarge, ClientGone, DeadlineExceeded, DecoderUnavailable."""
        with self._in_use:
            self.start()
            process = self._process
            if process is None or process.stdin is None or process.stdout is None:
                raise DecoderUnavailable("The service is about to end, and decodes no more large pictures.")
            if not self._is_ready:
                self._await_start(process.stdout.fileno(), context)
            try:
                return self._exchange(process.stdin.fileno(), process.stdout.fileno(), content, context)
            except BaseException as error:
                if not isinstance(error, PictureRefused) or isinstance(error, _Ended):
                    self._replace()
                raise

    def close(self) -> None:
        """End it, for good, whatever it does now."""
        self._is_closed = True
        if process := self._process:
            process.kill()
        with self._in_use:
            self._end()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _exchange(self, to: int, source: int, content: bytes, context: RequestContext) -> Decoded:
        deadline = time.monotonic() + self._max_seconds

        def check() -> None:
            context.check()
            if time.monotonic() > deadline:
                raise _Ended(f"The picture took longer than {self._max_seconds:g} s to decode. Send a smaller one.")

        try:
            _write(to, program.LENGTH.pack(len(content)), check)
            _write(to, content, check)
            answer = program.ANSWER.unpack(_read(source, program.ANSWER.size, check))
            return _interpret(answer, lambda size: _read(source, size, check))
        except (EOFError, OSError, ValueError) as error:
            raise _Ended("The picture ended the process that decoded it. It is damaged, or made to do so.") from error

    def _await_start(self, source: int, context: RequestContext) -> None:
        deadline = time.monotonic() + START_SECONDS

        def check() -> None:
            context.check()
            if time.monotonic() > deadline:
                raise TimeoutError

        try:
            self._is_ready = _read(source, len(program.READY), check) == program.READY
        except (EOFError, OSError) as error:
            self._replace()
            raise DecoderUnavailable("The process that decodes large pictures did not start. Ask again.") from error

    def _replace(self) -> None:
        self._end()
        with contextlib.suppress(DecoderUnavailable):  # the next picture tries again
            self.start()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in filter(None, (process.stdin, process.stdout)):
                pipe.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment = passed_on | SETTINGS | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-P", "-m", program.__name__, str(self._max_seconds + 1)]
        try:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise DecoderUnavailable("The process that decodes large pictures cannot be started now.") from error
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                _enlarge(pipe.fileno())
        return process


class _Ended(PictureRefused):
    """The picture was not decoded, and the process is of no use any more."""


def _interpret(answer: tuple[bytes, float, int, int, int, int, int], read: Callable[[int], bytes]) -> Decoded:
    """What the process answered. Raises PictureRefused, PictureTooLarge; ValueError for what it never writes."""
    kind, reduction, width, height, upright_width, upright_height, length = answer
    if kind in (program.REFUSED, program.TOO_LARGE) and length <= MAX_SENTENCE_BYTES:
        sentence = read(length).decode(errors="replace")
        raise PictureTooLarge(sentence) if kind == program.TOO_LARGE else PictureRefused(sentence)
    channels = {program.GREY: 1, program.COLOUR: 3}.get(kind, 0)
    is_sound = 0 < upright_width <= MAX_SIDE and 0 < upright_height <= MAX_SIDE and 0 < reduction <= 1
    if not is_sound or not channels or length != upright_width * upright_height * channels:
        raise ValueError("not an answer of the decoder")
    mode = "L" if channels == 1 else "RGB"
    upright = Image.frombytes(mode, (upright_width, upright_height), read(length))
    return Decoded(upright, reduction, (width, height))


def _write(descriptor: int, content: bytes, check: Callable[[], None]) -> None:
    rest = memoryview(content)
    while rest:
        _wait(descriptor, select.POLLOUT, check)
        with contextlib.suppress(BlockingIOError):
            rest = rest[os.write(descriptor, rest[:PIPE_BYTES]) :]


def _read(descriptor: int, size: int, check: Callable[[], None]) -> bytes:
    parts = []
    while size:
        _wait(descriptor, select.POLLIN, check)
        part = os.read(descriptor, min(size, PIPE_BYTES))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _wait(descriptor: int, event: int, check: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    check()
    while not poll.poll(1000 * CHECK_SECONDS):
        check()


def _enlarge(descriptor: int) -> None:
    """Let a pipe hold a whole answer, where the system can: each side then waits less for the other."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
