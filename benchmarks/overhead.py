"""What keys, limits, request ids, headers and metrics cost a prediction: processor time, without a network.

The same request is put to the application as a server would put it: with the gate taken away and nothing counted; with
a gate that lets everybody in; with keys and limits; and with everything counted. They take turns, so that whatever
else the machine does falls on all; the least of many rounds of each is what they cost. python benchmarks/overhead.py
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.access import keys as service
from app.access.authorization import Authorization
from app.api.middleware.fast_lane import Service
from app.api.middleware.gate import Gate
from app.config import Settings
from app.main import create_app
from app.metrics.metrics import Metrics
from app.migrations.migrate import upgrade
from app.server.memory import collect_garbage_less_often

ROUNDS, REQUESTS = 40, 256
BODY = json.dumps({"pixels": [0] * 784}).encode()

Application = Callable[..., Awaitable[None]]


class NoQueue:
    """No worker is asked for anything."""

    def hint(self, job_id: str, kind: str, queue: str) -> None: ...
    def depth(self, queue: str) -> int | None: ...
    def close(self) -> None: ...


class Open(Authorization):
    """Lets everybody in."""

    def __init__(self) -> None: ...
    def admit(self, *_: Any) -> None: ...


class Uncounted(Metrics):
    """Counts nothing."""

    def answered(self, *_: Any) -> None: ...
    def predicted(self, *_: Any) -> None: ...
    def computed(self, *_: Any) -> None: ...


async def ask(app: Application, key: str, scope_app: Service) -> None:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {key}".encode()),
    ]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/predict", "raw_path": b"/v1/predict", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8000), "headers": headers, "app": scope_app, "state": {},
    }  # fmt: skip
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 200))

    await app(scope, receive, send)
    if statuses[0] != 200:
        raise SystemExit(f"answered {statuses[0]}")


async def measure(folder: Path, limit: str | None) -> None:
    settings = Settings(data_dir=folder, rate_limit_per_key=limit, rate_limit_per_address=limit)
    upgrade(settings.resolved_database_url)
    app = create_app(settings, NoQueue())
    collect_garbage_less_often()  # as the service does
    assert isinstance(app, Service)
    parts = app.state.parts
    key = service.create(parts.sessions, "benchmark", ["predict"])[1]
    async with app.router.lifespan_context(app):
        uncounted, counted = Uncounted(), parts.metrics
        bare = app._guarded._app  # type: ignore[attr-defined]
        open_gate = Gate(bare, admission=Open(), metrics=uncounted, headers=app._guarded._headers)  # type: ignore
        steps = (
            ("bare", bare, uncounted), ("request ids, headers", open_gate, uncounted), ("keys, limits", app, uncounted),
            ("metrics", app, counted),
        )  # fmt: skip
        least = {name: 1e9 for name, _, _ in steps}
        for _ in range(ROUNDS):
            for name, entry, metrics in steps:
                parts.engine._metrics = app._guarded._metrics = metrics  # type: ignore[attr-defined]
                object.__setattr__(parts, "metrics", metrics)
                start = time.thread_time()
                for _ in range(REQUESTS):
                    await ask(entry, key, app)
                metrics.flush()
                least[name] = min(least[name], (time.thread_time() - start) / REQUESTS)
    before = least["bare"]
    for name, seconds in least.items():
        print(f"{name:20} {seconds * 1e6:7.1f} us of the processor a prediction, +{(seconds - before) * 1e6:.1f}")
        before = seconds


if __name__ == "__main__":
    for limit in (None, "1000000/second"):
        print(f"rate limits: {limit or 'none'}")
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), limit))
