"""What a change of the champion costs the requests of that time: python benchmarks/swapping.py

Each version has a file of its own, which must be loaded. Some connections send requests without a pause, once without
changes and once while the champion changes 20 times; both several times, alternating, because machines are shared.
"""

import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from services import load, post, running, wait_until_predicting

from app.db import Sessions
from app.registry import service as registry
from app.storage.folder import FolderStorage

SWAPS, ROUNDS, REQUESTS, CONNECTIONS = 20, 3, 40_000, 4  # a swap every half second, as often as the service looks
PIXELS = np.zeros((1, 1, 28, 28), np.float32).tobytes()
REQUEST = post("/v2/models/digits/infer", "Inference-Header-Content-Length: 0", PIXELS)


def main() -> None:
    with running("api") as (client, _, folder):
        wait_until_predicting(client)
        versions = iter(add_versions(folder, SWAPS * ROUNDS))
        quiet, swapping = [], []
        for _ in range(ROUNDS):
            quiet.append(ask(client))
            mine = [next(versions) for _ in range(SWAPS)]
            swapper = threading.Thread(target=swap, args=(client, mine, quiet[-1]["seconds"]))
            swapper.start()
            swapping.append(ask(client))
            swapper.join()
    for name, rounds in (("no swaps", quiet), (f"{SWAPS} swaps", swapping)):
        figures = "   ".join(f"{key} {median(each[key] for each in rounds):5.2f} ms" for key in ("p50", "p99"))
        statuses = {status: sum(each["statuses"].get(status, 0) for each in rounds) for status in rounds[0]["statuses"]}
        print(f"{name:10} {figures}   answers {statuses}")
    ratio = median(each["p99"] for each in swapping) / median(each["p99"] for each in quiet)
    print(f"p99 while swapping is {ratio:.2f} times that without")


def ask(client: httpx.Client) -> dict[str, Any]:
    figures = load(client, REQUEST, CONNECTIONS, REQUESTS)
    assert set(figures["statuses"]) == {"200"}, figures
    return figures


def swap(client: httpx.Client, versions: list[str], seconds: float) -> None:
    """Make each version the champion, at even intervals over `seconds`."""
    for version in versions:
        time.sleep(seconds / (len(versions) + 1))
        client.put("/v1/models/aliases/champion", json={"version": version}).raise_for_status()


def add_versions(folder: Path, count: int) -> list[str]:
    """Register copies of the shipped model, each with a file of its own. Returns their versions."""
    sessions, storage = Sessions(f"sqlite:///{folder / 'numeral.db'}"), FolderStorage(folder / "artifacts")
    card = registry.get(sessions, "1")[0].card
    content = registry.read_file(sessions, storage, "1", registry.MODEL_FILE)
    names = []
    for number in range(count):
        files = registry.store_files(storage, f"models/copy-{number}", {registry.MODEL_FILE: content})
        with sessions.writing() as session:
            names.append(registry.register(session, source=f"job:copy-{number}", card=card, files=files))
    sessions.close()
    return names


if __name__ == "__main__":
    main()
