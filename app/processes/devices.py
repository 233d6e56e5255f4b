"""Whether this machine has a GPU that torch could use, found out without loading torch or touching the GPU."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal


def find_device() -> Literal["cpu", "cuda"]:
    """`cuda` where the NVIDIA driver shows a device, nothing hides it, and torch is there and not its CPU build."""
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    is_present = any(Path("/dev").glob("nvidia[0-9]*"))
    return "cuda" if is_present and not is_hidden and _can_torch_use_it() else "cpu"


def _can_torch_use_it() -> bool:
    try:
        return not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False
