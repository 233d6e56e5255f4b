"""How many threads a training computes with: its share of the cores, for more of them only wait for one another.

The threads of a training meet many times in each step. Those that wait burn their core by default (OpenMP's
`active` policy) while those that they wait for have none: three trainings with two threads each took 159 s on two cores
where one took 11 s. With OMP_WAIT_POLICY=passive they took 59 s, and with one thread each 38 s.

A run keeps the number that it began with (models/training/run.py), on a worker with another number, too.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from app.config import Settings

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def training_environment(settings: Settings) -> dict[str, str]:
    """Returns the variables of a process that trains. OMP_NUM_THREADS and OMP_WAIT_POLICY count where they are set."""
    share = max(1, available_cores() // settings.training_workers)
    threads = str(settings.training_threads or os.environ.get("OMP_NUM_THREADS") or share)
    return {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive")}


def available_cores() -> int:
    """Returns the number of cores that this process may use: by its affinity and by its container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min([cores, *quotas()])))


def quotas(cgroups: Path = CGROUPS, own_cgroup: Path = OWN_CGROUP) -> list[float]:
    """Returns the quotas, in cores, of the process's control groups; of those outside its container none is seen."""
    return [quota for folder in _folders(cgroups, own_cgroup) if (quota := _read_quota(folder)) is not None]


def _folders(cgroups: Path, own_cgroup: Path) -> Iterator[Path]:
    """Yields the folders of the process's groups and of all that they are in. Version 1 has a tree per controller."""
    try:
        lines = own_cgroup.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            folder = Path(path.lstrip("/"))
            yield from (cgroups / controllers / parent for parent in (folder, *folder.parents))


def _read_quota(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        except (OSError, ValueError):
            return None
    return int(quota) / int(period) if quota.isdigit() and int(period) > 0 else None
