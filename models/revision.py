"""Which commit this program is."""

import os
import subprocess
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1]
GIT_SECONDS = 10.0
UNKNOWN = "unknown"  # what an image says that was built without --build-arg REVISION


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
