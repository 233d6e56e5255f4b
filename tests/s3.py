"""A real HTTP S3 server (moto's, in a process of its own), and a line to it that can be cut."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import httpx

PIECE = 16_384
NO_CREDENTIALS = {  # AWS's programs find none, and do not ask the network for them
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class S3Server:
    """A server whose objects live as long as it does."""

    def __init__(self, log: Path, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)]
        with log.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
            client.get(self.url)

    def make_bucket(self) -> str:
        name = f"test-{uuid4().hex}"
        httpx.put(f"{self.url}/{name}").raise_for_status()
        return name

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Line:
    """Passes TCP connections on to a server: can be closed (connections are refused), held, and cut in the middle."""

    def __init__(self, port: int) -> None:
        self._to, self.port = port, 0
        self.cut_after_bytes: int | None = None  # of what one connection sends to the server
        self.open()
        self.url = f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_upload: bool) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                passed += len(piece)
                if is_upload and self.cut_after_bytes is not None and passed > self.cut_after_bytes:
                    break
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def credentials(endpoint: str) -> dict[str, str]:
    """What a deployment sets to reach the server at `endpoint`."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
