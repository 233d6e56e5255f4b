"""Valid sweeps that ask for as much as a spec allows, and a worker process that runs one."""

import os
import subprocess
import sys
from typing import Any

import numpy as np

from app.config import Settings
from app.db import Sessions
from app.jobs import service
from app.jobs.specs import job_spec_adapter
from app.jobs.tables import Job

# VmHWM and not ru_maxrss, which a process inherits from the one that started it
RUN_NEXT = """
from pathlib import Path
from worker.tasks import run_next
run_next("sweeps")
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
"""


def rates(count: int) -> list[float]:
    return [0.0001 * (number + 1) for number in range(count)]


def samples(count: int, layers: list[int]) -> dict[str, Any]:
    """Inputs and targets whose numbers have as many digits as a number can have."""
    random = np.random.default_rng(0)
    inputs, targets = random.uniform(-1, 1, (count, layers[0])), random.uniform(0.1, 0.9, (count, layers[-1]))
    return {"inputs": inputs.tolist(), "targets": targets.tolist()}


def sweep(*, layers: list[int], count: int, **fields: Any) -> dict[str, Any]:
    """A spec with `count` samples."""
    return {"kind": "backprop_sweep", "layers": layers, "seed": 1, **samples(count, layers), **fields}


def submit_and_run(settings: Settings, fields: dict[str, Any]) -> tuple[Job, float]:
    """Runs the job in a worker process of its own. Returns the ended job and the process's peak memory in MB."""
    sessions = Sessions(settings.resolved_database_url)
    job, _ = service.submit(sessions, job_spec_adapter.validate_python(fields))
    environment = os.environ | {"NUMERAL_DATA_DIR": str(settings.data_dir)}
    worker = subprocess.run([sys.executable, "-c", RUN_NEXT], env=environment, stdout=subprocess.PIPE, check=True)
    ended = service.get(sessions, job.id)
    sessions.close()
    return ended, int(worker.stdout.split()[-1]) / 1000
