import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import Settings
from app.processes import training_threads
from app.processes.training_threads import available_cores, quotas, training_environment

TRAIN = """
import resource, sys
from pathlib import Path
import torch
from models.recipes import RECIPES
from models.training.data import load_dataset
from models.training.run import TrainingRun
dataset = load_dataset("optdigits", data_dir=Path(sys.argv[1]))
run = TrainingRun(RECIPES["fast"], dataset, seed=7, device=torch.device("cpu"))
torch.set_num_threads(run.threads)
before = resource.getrusage(resource.RUSAGE_SELF)
for batch in run.remaining_batches()[:8]:
    run.step(batch)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.threads)
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)


def test_cores_are_shared_among_the_training_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_threads, "available_cores", lambda: 8)
    for workers, threads in ((1, "8"), (3, "2"), (16, "1")):
        environment = training_environment(Settings(training_workers=workers))
        assert environment == {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}


def test_setting_wins_over_the_variable_which_wins_over_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert training_environment(Settings())["OMP_NUM_THREADS"] == "5"
    assert training_environment(Settings(training_threads=3))["OMP_NUM_THREADS"] == "3"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, [1.5]),
        ("0::/", {"cpu.max": "max 100000"}, []),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, [2.0]),
        (
            "4:memory:/\n3:cpu,cpuacct:/x",
            {"cpu,cpuacct/cpu.cfs_quota_us": "50000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            [0.5],
        ),
        ("3:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, []),
        ("0::/", {}, []),
    ],
)
def test_quotas_of_control_groups_are_read(
    own: str, files: dict[str, str], expected: list[float], tmp_path: Path
) -> None:
    own_cgroup = tmp_path / "own"
    own_cgroup.write_text(own + "\n")
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    assert quotas(tmp_path, own_cgroup) == expected


def test_part_of_a_core_is_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_threads, "quotas", lambda: [0.5])
    assert available_cores() == 1


def test_trainings_side_by_side_do_not_burn_the_cores_that_the_others_need(tmp_path: Path) -> None:
    """Three trainings that do not know of one another, each with as many threads as there are cores."""
    alone = finish(*begin(1, tmp_path, {"OMP_NUM_THREADS": "1"}))[0]
    environment = training_environment(Settings(training_threads=2))
    together = finish(*begin(3, tmp_path, environment))
    print(f"CPU seconds with one thread, alone: {alone:.2f}; with two each, together: {together}")
    assert max(together) < 5 * alone  # 2 times; 9 times with the active policy


def begin(count: int, folder: Path, variables: dict[str, str]) -> list["subprocess.Popen[str]"]:
    command, environment = [sys.executable, "-c", TRAIN, str(folder)], os.environ | variables
    return [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(count)]


def finish(*processes: "subprocess.Popen[str]") -> list[float]:
    """Returns the CPU seconds of each training."""
    outputs = [process.communicate(timeout=200)[0] for process in processes]
    return [float(json.loads(output.split()[0])) for output in outputs]
