"""Ended sweeps of any size, put directly into the database and the store of a service: running them takes minutes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from uuid_utils import uuid7

from app.config import Settings
from app.db import Sessions
from app.jobs.specs import job_spec_adapter
from app.jobs.tables import Job
from app.storage import open_storage
from models.backprop.sweeps.curve_files import to_npz


def store_sweep(data_dir: Path, *, rates: int, epochs: int, shown_points: int = 100) -> str:
    """Stores a finished sweep with float32 curves (rates, epochs + 1). Returns its id."""
    settings = Settings(data_dir=data_dir)
    losses = np.random.default_rng(0).random((rates, epochs + 1), np.float32)
    learning_rates = np.geomspace(1e-3, 10, rates)
    content = to_npz(learning_rates=learning_rates, losses=losses, gradient_norms=losses)
    job_id, now = str(uuid7()), datetime.now(UTC)
    stored = open_storage(settings).put(f"curves/{job_id}-1.npz", content)
    result = {
        "trials": [_trial(rate, curve, shown_points) for rate, curve in zip(learning_rates, losses, strict=True)],
        "best": learning_rates[0],
        "curves": {"artifact": stored.name, "sha256": stored.sha256, "size": stored.size},
    }
    spec = job_spec_adapter.validate_python({"kind": "backprop_sweep"})
    row = {"id": job_id, "kind": spec.kind, "status": "succeeded", "queue": spec.queue, "attempt": 1}
    row |= {"result": result, "stored_bytes": stored.size}
    times = {"queue_order": now, "created_at": now, "started_at": now, "finished_at": now}
    sessions = Sessions(settings.resolved_database_url)
    with sessions.writing() as session:
        session.add(Job(**row, **times, spec=spec.model_dump(mode="json"), events=3))
    sessions.close()
    return job_id


def _trial(rate: float, curve: Any, shown_points: int) -> dict[str, Any]:
    shown = np.unique(np.linspace(0, len(curve) - 1, shown_points).round().astype(int))
    points = {"loss_epochs": shown.tolist(), "loss": curve[shown].tolist()}
    return {"learning_rate": float(rate), "outcome": "converged", **points}
