"""Which worker gets which GPU. Device files and torch are stood in for; nvidia-smi is a real program."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.config import Settings
from app.errors import ConfigurationError
from app.processes import devices
from app.processes.children import start_workers
from app.processes.devices import Gpu, find_gpus
from app.processes.supervisor import Supervisor

TABLE = """0, GPU-aaaa, NVIDIA H100 80GB HBM3, 81559
1, GPU-bbbb, NVIDIA RTX A2000, 6138
2, GPU-cccc, NVIDIA GB10, [N/A]
"""
H100 = Gpu("GPU-aaaa", "NVIDIA H100 80GB HBM3", 81_559 * 2**20)


class RecordedSupervisor(Supervisor):
    """Starts nothing and keeps what it was to start."""

    def __init__(self) -> None:
        super().__init__({})
        self.started: dict[str, tuple[tuple[str, ...], Mapping[str, str]]] = {}

    def start(
        self,
        name: str,
        *command: str,
        ends_last: bool = False,
        environment: Mapping[str, str] | None = None,
        logs_only: bool = False,
    ) -> None:
        self.started[name] = command, environment or {}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with three GPUs and a torch that can use them; the folder holds nvidia-smi."""
    monkeypatch.setattr(devices, "_device_files", lambda: [Path(f"/dev/nvidia{number}") for number in range(3)])
    monkeypatch.setattr(devices, "_has_torch_with_cuda", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!{sys.executable}\nprint({TABLE!r}, end='')\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("machine")
def test_gpus_are_named_with_their_memory() -> None:
    assert find_gpus() == (H100, Gpu("GPU-bbbb", "NVIDIA RTX A2000", 6_138 * 2**20), Gpu("GPU-cccc", "NVIDIA GB10"))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("visible", "ids", "first"),
    [
        ("0", ["0"], "NVIDIA H100 80GB HBM3"),
        ("GPU-bbbb, 0", ["GPU-bbbb", "0"], "NVIDIA RTX A2000"),
        ("MIG-1234", ["MIG-1234"], None),
        ("1,-1,0", ["1"], "NVIDIA RTX A2000"),
    ],
)
def test_gpus_are_those_that_the_environment_leaves(
    visible: str, ids: list[str], first: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = find_gpus()
    assert [gpu.id for gpu in found] == ids
    assert found[0].name == first


def test_without_nvidia_smi_gpus_are_counted_and_hidden_ones_are_none(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine / "nvidia-smi").unlink()
    assert find_gpus() == (Gpu("0"), Gpu("1"), Gpu("2"))
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert find_gpus() == ()


@pytest.mark.usefixtures("machine")
def test_each_gpu_has_a_process_that_sees_it_alone_and_the_others_see_none(tmp_path: Path) -> None:
    supervisor, settings = RecordedSupervisor(), Settings(data_dir=tmp_path, training_workers=2)
    count = start_workers(supervisor, settings, ("sweeps", "searches", "training", "training-cuda"))
    assert count == 1 + 1 + 2 + 3
    seen = {name: environment["CUDA_VISIBLE_DEVICES"] for name, (_, environment) in supervisor.started.items()}
    assert seen == {
        "sweeps": "-1",
        "searches": "-1",
        "training": "-1",
        "training-cuda-0": "GPU-aaaa",
        "training-cuda-1": "GPU-bbbb",
        "training-cuda-2": "GPU-cccc",
    }
    commands = [command for command, _ in supervisor.started.values()]
    names = [command[command.index("--hostname") + 1] for command in commands]
    assert len(set(names)) == len(names)
    cuda = supervisor.started["training-cuda-1"][0]
    assert cuda[cuda.index("--queues") + 1] == "training-cuda"
    assert cuda[cuda.index("--concurrency") + 1] == "1"


def test_queue_of_the_gpus_without_a_gpu_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs a GPU"):
        start_workers(RecordedSupervisor(), Settings(data_dir=tmp_path), ("training-cuda",))
