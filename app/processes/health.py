"""The health checks of the container images: `python -m app.processes.health api` and `... worker`.

Exits with 0 if the process in this container is healthy; otherwise prints the reason and exits with 1.
"""

import os
import socket
import sys
import urllib.error
import urllib.request

from models.wording import counted

# Only the worker's check imports from app: that takes half a second, and the API is checked every few seconds.


def check_api() -> str:
    """Returns the answer of this container's /readyz. Raises OSError unless its status is 200."""
    port = os.environ.get("NUMERAL_PORT", "8000")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # HTTP_PROXY is not for this container
    with direct.open(f"http://127.0.0.1:{port}/readyz", timeout=4) as answer:
        body: bytes = answer.read()
    return body.decode()


def check_worker() -> str:
    """Returns the worker processes of this container that reported recently. Raises OSError if there are none."""
    from app.config import Settings
    from app.db import Sessions
    from app.jobs.overview import read_overview

    sessions = Sessions(Settings().resolved_database_url)
    host = socket.gethostname()
    own = [worker.name for worker in read_overview(sessions).workers if worker.name.startswith(f"{host}:")]
    if not own:
        raise OSError(f"no worker process on {host} has reported in the last minute")
    return f"{counted(len(own), 'worker')}: {', '.join(own)}"


def main() -> int:
    from app.errors import AppError

    try:
        print({"api": check_api, "worker": check_worker}[sys.argv[1]]())
    except urllib.error.HTTPError as error:
        print(error.read().decode())
        return 1
    except (OSError, AppError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
