"""Whether torch could use a GPU of this machine, without loading torch or touching the GPU."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal


def find_device() -> Literal["cpu", "cuda"]:
    """`cuda` if there is an NVIDIA device, CUDA_VISIBLE_DEVICES does not hide it, and torch is a build with CUDA."""
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    is_present = any(Path("/dev").glob("nvidia[0-9]*"))
    return "cuda" if is_present and not is_hidden and _has_torch_with_cuda() else "cpu"


def _has_torch_with_cuda() -> bool:
    try:
        return not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False
