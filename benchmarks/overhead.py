"""CPU time that request ids, headers, keys, rate limits and metrics add to a prediction, without a network.

    python benchmarks/overhead.py

One request is sent to the API as a server would send it: without the gate; with a gate that admits everybody; with keys
and rate limits; and with metrics, which the steps before do not count. The steps alternate, so that other load on the
machine falls on all of them; the minimum of many rounds of each is its cost.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message

from app.access import keys
from app.access.authorization import Authorization
from app.api.middleware.body_limit import BodyLimit
from app.api.middleware.fast_lane import FastLane
from app.api.middleware.gate import Gate
from app.api.middleware.stack import build_stack
from app.api.raw_route import MAX_JSON_BYTES, RawRoutes
from app.api.security_headers import common_headers
from app.config import Settings
from app.main import ROUTERS, create_app
from app.metrics.recorder import Recorder
from app.migrations.migrate import upgrade
from app.server.tuning import tune_garbage_collector
from app.services import Services
from app.serving.engine import Engine
from app.serving.load_shedding import LoadShedder
from app.serving.predictor import Predictor
from models.inference.line_reader import LineReader

ROUNDS, REQUESTS = 40, 256
BODY = json.dumps({"pixels": [0] * 784}).encode()


class NoWorkers:
    """A WorkerNotifier that notifies nobody."""

    def notify(self, queue: str) -> None: ...
    def depth(self, queue: str) -> int | None: ...
    def close(self) -> None: ...


class OpenAuthorization(Authorization):
    """Admits everybody."""

    def authorize(self, *_: Any) -> None: ...


class NoRecorder(Recorder):
    """Records nothing."""

    def record_request(self, *_: Any) -> None: ...
    def record_prediction(self, *_: Any) -> None: ...
    def record_batch(self, *_: Any) -> None: ...


class Step(NamedTuple):
    """What one measurement sends its requests to."""

    name: str
    stack: ASGIApp
    services: Services


def without_metrics(settings: Settings) -> Services:
    """Services that record no metrics."""
    services = Services(settings, NoWorkers())
    services.recorder = NoRecorder(services.metrics)
    services.engine = Engine(services.model_cache, LoadShedder(), services.recorder)
    services.predictor = Predictor(services.engine, services.threads, LineReader.load(), services.recorder)
    return services


def build_steps(settings: Settings) -> list[Step]:
    """Each step has one part more than the step before."""
    routes = RawRoutes(route for router in ROUTERS for route in router.routes)
    uncounted, counted = without_metrics(settings), Services(settings, NoWorkers())
    app = create_app(uncounted)
    bare = FastLane(BodyLimit(app, max_bytes=MAX_JSON_BYTES), fastapi=app, raw_routes=routes)
    authorization = OpenAuthorization(uncounted.keyring, uncounted.limits)
    headers = common_headers(is_shared=False)
    return [
        Step("bare", bare, uncounted),
        Step(
            "request ids, headers",
            Gate(bare, authorization=authorization, recorder=uncounted.recorder, headers=headers, routes=[]),
            uncounted,
        ),
        Step("keys, limits", build_stack(app, routes, uncounted), uncounted),
        Step("metrics", build_stack(create_app(counted), routes, counted), counted),
    ]


async def ask(stack: ASGIApp, key: str) -> None:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {key}".encode()),
    ]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/predict", "raw_path": b"/v1/predict", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 8000), "headers": headers, "state": {},
    }  # fmt: skip
    statuses = []

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 200))

    await stack(scope, receive, send)
    if statuses[0] != 200:
        raise SystemExit(f"answered {statuses[0]}")


async def measure(folder: Path, limit: str | None) -> None:
    settings = Settings(data_dir=folder, rate_limit_per_key=limit, rate_limit_per_address=limit)
    upgrade(settings.resolved_database_url)
    steps = build_steps(settings)
    tune_garbage_collector()  # as the service does
    services = steps[0].services, steps[-1].services
    key = keys.create(services[0].sessions, "benchmark", ["predict"])[1]
    async with services[0].running(), services[1].running():
        seconds = {step.name: float("inf") for step in steps}
        for _ in range(ROUNDS):
            for step in steps:
                start = time.thread_time()
                for _ in range(REQUESTS):
                    await ask(step.stack, key)
                step.services.recorder.flush()
                seconds[step.name] = min(seconds[step.name], (time.thread_time() - start) / REQUESTS)
    before = seconds["bare"]
    for name, cost in seconds.items():
        print(f"{name:20} {cost * 1e6:7.1f} us of CPU time a prediction, +{(cost - before) * 1e6:.1f}")
        before = cost


if __name__ == "__main__":
    for limit in (None, "1000000/second"):
        print(f"rate limits: {limit or 'none'}")
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), limit))
