"""The cost of a prediction, here and in other servers: python benchmarks/serving.py [WORDS OF A SERVER'S NAME ...]

One 28x28 picture per request, the same ONNX file, one server process (LitServe and BentoML start helper processes too).
CPU is the user and system time of the whole process tree per request, without the client (load.py). Each figure is the
median of ROUNDS; CPU time varies by a few per cent, requests per second by far more.
"""

import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from services import LOAD, SEVEN, cpu_seconds
from serving_rivals.servers import Server, ours, programs_of, rivals

from models.pictures.eye import Eye
from models.pictures.normalisation import normalise
from models.pictures.opening import open_picture

EYE = Eye.load()

ROUNDS = 3
REQUESTS = 1000  # a round
IDLE_SECONDS = 20.0


def main(wanted: list[str]) -> None:
    picture = normalise(open_picture(SEVEN.read_bytes()), EYE).image
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "PNG")
    columns = f"{'CPU us':>8} {'rps':>7} {'p50 ms':>7} {'p99 ms':>7} |"
    print(f"{'connections':24} {'1':>8} {'':23} | {'16':>8} {'':23} |")
    print(f"{'':24} {columns} {columns} idle CPU")
    costs = {}
    for server in [*ours(picture, png.getvalue()), *rivals(picture)]:
        if all(word.lower() in server.name.lower() for word in wanted):
            costs[server.name] = measure(server)
    own = {name: cost for name, cost in costs.items() if name.startswith("Numeral")}
    for name, cost in costs.items():
        if own and name not in own:
            print(f"{name}, CPU time: " + "; ".join(f"{cost / each:.1f} x {ours}" for ours, each in own.items()))


def measure(server: Server) -> float:
    """Print a server's line. Returns CPU microseconds per request over 16 connections."""
    with running(server) as (port, process):
        ask(server, port, 1, 200)
        ask(server, port, 16, 500)
        line = f"{server.name:24}"
        for connections in (1, 16):
            rounds = []
            for _ in range(ROUNDS):
                before = cpu_seconds(process)
                found = ask(server, port, connections, REQUESTS)
                cpu = 1e6 * (cpu_seconds(process) - before) / REQUESTS
                rounds.append((cpu, REQUESTS / found["seconds"], found["p50"], found["p99"]))
            cpu, rate, p50, p99 = (statistics.median(values) for values in zip(*rounds, strict=True))
            line += f" {cpu:8.0f} {rate:7.0f} {p50:7.2f} {p99:7.2f} |"
        before = cpu_seconds(process)
        time.sleep(IDLE_SECONDS)
        print(f"{line} {(cpu_seconds(process) - before) / IDLE_SECONDS:7.1%}", flush=True)
        return cpu


def ask(server: Server, port: int, connections: int, requests: int) -> dict[str, Any]:
    """Returns the figures of load.py. Raises RuntimeError for a wrong answer."""
    command = [sys.executable, LOAD, str(port), str(connections), str(requests)]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, input=server.request, capture_output=True, check=True).stdout
    )
    head, _, body = found["example"].encode("latin-1").partition(b"\r\n\r\n")
    if set(found["statuses"]) != {"200"} or server.digit(body) != 7:
        raise RuntimeError(f"{server.name} answered {found['statuses']}: {head!r} {body[:300]!r}")
    return found


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Start a server. Yields its port and process id once it answers."""
    programs, port = programs_of(server), free_port()
    with TemporaryDirectory(prefix="numeral-bench-") as folder:
        own = {"NUMERAL_DATA_DIR": folder, "MLSERVER_HTTP_PORT": str(port), "MLSERVER_GRPC_PORT": str(free_port()),
               "MLSERVER_METRICS_PORT": str(free_port()), "MLSERVER_PARALLEL_WORKERS": "0"}  # fmt: skip
        environment = os.environ | own | server.environment
        is_ours = server.name.startswith("Numeral")
        where = Path(__file__).parents[1] if is_ours else server.folder
        if is_ours:
            subprocess.run(
                [sys.executable, "-m", "app.cli", "migrate"],
                env=environment,
                cwd=where,
                check=True,
                capture_output=True,
            )
        with (Path(folder) / "log").open("w+") as log:
            process = subprocess.Popen(
                server.command(programs, port),
                env=environment,
                cwd=where,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                wait_until_answering(server, port, process)
                yield port, process.pid
            except Exception:
                log.seek(0)
                print(log.read()[-3000:], file=sys.stderr)
                raise
            finally:
                end(process)


def wait_until_answering(server: Server, port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            ask(server, port, 1, 1)
            return
        except (subprocess.CalledProcessError, RuntimeError):
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.2)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Send SIGTERM, and after ten seconds SIGKILL to its process group: LitServe's helper processes outlive it."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main(sys.argv[1:])
