"""The client against real servers, and over a line that loses answers."""

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from app.config import Settings
from numeral_client import Client
from tests.s3 import PIECE, Line


class LossyLine(Line):
    """Passes connections on, but loses answers: the first ones wholly, or what follows so many bytes of each body."""

    answers_to_lose = 0
    cut_bodies_after: int | None = None

    def _pass(self, source: socket.socket, target: socket.socket, is_upload: bool) -> None:
        if is_upload or (not self.answers_to_lose and self.cut_bodies_after is None):
            super()._pass(source, target, is_upload)
            return
        with contextlib.suppress(OSError):
            self._pass_a_part(source, target)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _pass_a_part(self, source: socket.socket, target: socket.socket) -> None:
        whole, sent = b"", 0
        while piece := source.recv(PIECE):
            if self.answers_to_lose:
                self.answers_to_lose -= 1
                return
            whole += piece
            head = whole.find(b"\r\n\r\n")
            limit = len(whole) if head < 0 else min(len(whole), head + 4 + (self.cut_bodies_after or 0))
            target.sendall(whole[sent:limit])
            sent = limit
            if sent < len(whole):
                return


@pytest.fixture
def client(working_service: str) -> Iterator[Client]:
    with Client(working_service) as client:
        yield client


@pytest.fixture
def lossy_line(working_service: str) -> Iterator[LossyLine]:
    line = LossyLine(urlsplit(working_service).port or 0)
    yield line
    line.close()


@pytest.fixture
def idle_client(api: object, api_settings: Settings) -> Iterator[Client]:
    """Of a service whose jobs stay queued."""
    with Client(api_settings.url) as client:
        yield client
