"""What a training runs on: what must be the same again for its weights to be the same again."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime")
SOURCE = Path(__file__).parents[2]
GIT_SECONDS = 10.0
UNKNOWN = "unknown"  # what an image says that was built without --build-arg REVISION


def describe_environment(device: torch.device, *, threads: int, precision: str) -> dict[str, Any]:
    """Returns device, threads, precision, make of the processors, commit and library versions, for a card."""
    return {
        "device": str(device),
        "threads": threads,
        "precision": describe_precision(device, precision),
        "cpu": describe_cpu(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "commit": find_commit(),
        "libraries": _find_libraries(),
    }


def describe_precision(device: torch.device, precision: str) -> str:
    has_tf32 = device.type == "cuda" and torch.backends.cudnn.allow_tf32
    return f"{precision}, convolutions in TF32" if has_tf32 and precision == "float32" else precision


@cache
def _find_libraries() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


@cache
def describe_cpu() -> str:
    """Returns the make of the processor and the instructions that torch uses on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{next(iter(names), platform.machine())}, {torch.backends.cpu.get_cpu_capability()}"


@cache
def find_commit(source: Path = SOURCE) -> str | None:
    """Returns the commit of the program: git's, with `-dirty` for a changed tree, or NUMERAL_REVISION of the image."""
    if (source / ".git").exists():
        command = ("git", "-C", str(source), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
            return done.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass  # no git, or a tree of another user
    revision = os.environ.get("NUMERAL_REVISION", UNKNOWN)
    return None if revision in ("", UNKNOWN) else revision
