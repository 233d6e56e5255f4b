import os
import signal
import sys
import threading
import time
from pathlib import Path

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
