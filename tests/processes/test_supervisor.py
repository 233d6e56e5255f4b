import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from app.processes.supervisor import Supervisor

SLEEPER = "import time; time.sleep(60)"


def pids(file: Path, *, count: int) -> list[int]:
    deadline = time.monotonic() + 20
    while not file.exists() or len(found := file.read_text().split()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [int(pid) for pid in found]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_dead_child_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    written = tmp_path / "pids"
    code = f"import os; open({str(written)!r}, 'a').write(f'{{os.getpid()}} '); {SLEEPER}"
    supervisor = Supervisor({})
    supervisor.start("child", sys.executable, "-c", code)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    os.kill(pids(written, count=1)[0], signal.SIGKILL)
    first, second = pids(written, count=2)
    assert first != second
    assert supervisor.is_alive("child")
    supervisor.stop()
    thread.join(10)
    assert not is_alive(second)


def test_the_log_says_which_signal_ended_it_and_a_child_that_only_logs_prints_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor({})
    code = "import sys; print('Warm shutdown'); print('a log line', file=sys.stderr)"
    supervisor.start("child", sys.executable, "-c", code, logs_only=True)
    while supervisor.is_alive("child"):
        time.sleep(0.01)
    supervisor.stop(signal.SIGTERM)
    with caplog.at_level("INFO"):
        supervisor.run()
    assert capfd.readouterr() == ("", "a log line\n")
    assert "stopping all processes: SIGTERM was received" in caplog.messages


def test_child_that_ignores_sigterm_is_killed_with_its_own_children(tmp_path: Path) -> None:
    written = tmp_path / "pids"
    code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
open({str(written)!r}, 'a').write(f'{{os.getpid()}} ')
{SLEEPER}
"""
    supervisor = Supervisor({}, grace_seconds=0.5)
    supervisor.start("child", sys.executable, "-c", code)
    found = pids(written, count=2)
    supervisor.end_all()
    deadline = time.monotonic() + 10
    while any(map(is_alive, found)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
