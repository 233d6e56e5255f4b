"""What the images' health checks ask: `python -m app.processes.health api` and `python -m app.processes.health worker`.

It ends with 0 if the part of the service that runs in this container is well, and says why it is not otherwise.
"""

import os
import socket
import sys
import urllib.error
import urllib.request

# Settings and database only for a worker: the API is asked every few seconds, and they take half a second to load.


def check_api() -> str:
    """What /readyz of the API in this container says. Raises OSError unless it is 200."""
    port = os.environ.get("NUMERAL_PORT", "8000")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=4) as answer:
        body: bytes = answer.read()
    return body.decode()


def check_worker() -> str:
    """How many processes of this container have reported themselves lately. Raises AppError or OSError for none."""
    from app.config import Settings
    from app.db import Sessions
    from app.jobs.overview import read_overview

    sessions = Sessions(Settings().resolved_database_url)
    host = socket.gethostname()
    own = [worker.name for worker in read_overview(sessions).workers if worker.name.startswith(f"{host}:")]
    if not own:
        raise OSError(f"no worker process on {host} has reported itself in the last minute")
    return f"{len(own)} processes: {', '.join(own)}"


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
