"""GET /metrics: everything that is counted, for Prometheus."""

import asyncio
import platform

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from app import VERSION
from app.api.dependencies import ServicesDependency
from app.errors import ModelNotLoaded
from app.jobs.gauges import Gauges
from app.metrics.instruments import gauge
from app.metrics.metrics import FLUSH_SECONDS
from app.services import Services

router = APIRouter(tags=["operation"])

TYPE = "text/plain; version=0.0.4; charset=utf-8"
TRAINING = {
    "epoch": "Epochs done by a running training.",
    "train_loss": "Mean training loss of its last epoch.",
    "validation_accuracy": "Accuracy on the validation pictures after its last epoch.",
    "learning_rate": "Learning rate at the end of its last epoch.",
    "images_per_second": "Pictures a second that its last epoch took.",
}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(services: ServicesDependency) -> Response:
    """Counts of all processes behind this port since the service started, and what the database knows."""
    if services.settings.api_processes > 1:
        await asyncio.sleep(2 * FLUSH_SECONDS)  # by then the others have counted what they answered before this request
    services.metrics.flush()
    return await run_in_threadpool(_render, services)


def _render(services: Services) -> Response:
    lines = services.metrics.text() + _service(services) + _drift(services) + _database(services.gauges.get())
    return Response("\n".join(lines) + "\n", media_type=TYPE)


def _service(services: Services) -> list[str]:
    build = {"version": VERSION, "python": platform.python_version()}
    try:
        champion = [({"model_version": services.model_cache.champion.version}, 1.0)]
    except ModelNotLoaded:
        champion = []
    return [
        *gauge("numeral_build_info", "What runs here; always 1.", [(build, 1.0)]),
        *gauge("numeral_champion_info", "The model version that answers in this process; always 1.", champion),
    ]


def _drift(services: Services) -> list[str]:
    count, indices = services.drift.indices()
    text = "Population stability index of the last ten minutes against what the network learnt from."
    return [
        *gauge("numeral_drift_window_predictions", "Predictions that the index is of.", [({}, count)]),
        *gauge("numeral_drift_index", text, [({"statistic": name}, value) for name, value in indices.items()]),
    ]


def _database(found: Gauges | None) -> list[str]:
    lines = gauge("numeral_database_up", "Whether the database answers.", [({}, float(found is not None))])
    if found is None:
        return lines
    lines += gauge("numeral_jobs", "Jobs by kind and status.", found.jobs)
    lines += gauge("numeral_queue_depth", "Jobs that wait for a worker.", found.queued)
    lines += gauge("numeral_queue_oldest_seconds", "Age of the oldest job that waits.", found.oldest_seconds)
    lines += gauge("numeral_workers", "Workers heard of in the last minute.", found.workers)
    lines += gauge("numeral_training_epochs", "Epochs of all trainings that are listed.", [({}, found.epochs)])
    for name, text in TRAINING.items():
        lines += gauge(f"numeral_training_{name}", text, found.trainings[name])
    return lines
