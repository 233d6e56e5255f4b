"""Which GPUs of this machine torch could use, without loading torch or touching a GPU."""

import csv
import logging
import os
import subprocess
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple

logger = logging.getLogger(__name__)

NVIDIA_SMI = ("nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")
NVIDIA_SMI_SECONDS = 30.0  # it may have to start the driver first
MIB = 2**20


class Gpu(NamedTuple):
    """A GPU; `id` is what CUDA_VISIBLE_DEVICES calls it. Name and memory are None where nvidia-smi does not say."""

    id: str
    name: str | None = None
    memory_bytes: int | None = None


def find_device() -> Literal["cpu", "cuda"]:
    """`cuda` if there is an NVIDIA device, CUDA_VISIBLE_DEVICES does not hide it, and torch is a build with CUDA."""
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cuda" if _device_files() and not is_hidden and _has_torch_with_cuda() else "cpu"


def find_gpus() -> tuple[Gpu, ...]:
    """Returns the GPUs that torch could use, in the order of CUDA_VISIBLE_DEVICES; all of them where it is not set."""
    if find_device() == "cpu":
        return ()
    known = _read_nvidia_smi()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return tuple(known.values()) or tuple(Gpu(str(number)) for number in range(len(_device_files())))
    named = known | {gpu.id: gpu for gpu in known.values()}
    entries = takewhile(lambda entry: entry not in ("", "-1"), map(str.strip, visible.split(",")))  # as CUDA reads it
    return tuple(named.get(entry, Gpu(entry))._replace(id=entry) for entry in entries)


def pin(gpu: Gpu) -> dict[str, str]:
    """Returns the variables of a process that sees this GPU alone."""
    return {"CUDA_VISIBLE_DEVICES": gpu.id, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}  # the order of nvidia-smi's numbers


def hide_gpus() -> dict[str, str]:
    """Returns the variables of a process that sees no GPU."""
    return {"CUDA_VISIBLE_DEVICES": "-1"}


def _device_files() -> list[Path]:
    return sorted(Path("/dev").glob("nvidia[0-9]*"))


def _read_nvidia_smi() -> dict[str, Gpu]:
    """Returns the GPUs by their number; none if nvidia-smi is not there or fails."""
    try:
        done = subprocess.run(NVIDIA_SMI, capture_output=True, text=True, timeout=NVIDIA_SMI_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("nvidia-smi does not name the GPUs: %s", error)
        return {}
    rows = csv.reader(done.stdout.splitlines(), skipinitialspace=True)
    return {
        index: Gpu(uuid, name, int(memory) * MIB if memory.isdigit() else None) for index, uuid, name, memory in rows
    }


def _has_torch_with_cuda() -> bool:
    try:
        return not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False
