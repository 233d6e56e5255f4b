"""The commands of the tutorials, word for word, against a running service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Service

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_commands_of_the_tutorial_do_what_it_says(tutorial: Path, service: Service, tmp_path: Path) -> None:
    text = tutorial.read_text().replace("http://127.0.0.1:8000", service.url)
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    # As in a clone, but what the commands write goes into a folder of the test.
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = f'set -euo pipefail\ncurl() {{ command curl --fail-with-body "$@"; }}\n{commands}'
    found = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert found.returncode == 0, found.stderr + found.stdout
