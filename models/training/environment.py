"""What a training runs on: what must be the same again for its weights to be the same again."""

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from models.revision import find_commit

LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime")


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
