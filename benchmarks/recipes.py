"""Both recipes, whole, through a running service, as a Markdown table: python benchmarks/recipes.py [URL] [JOB_ID ...]

Submits `fast` and `reference` for 19 epochs with seed 1, or shows the jobs that are named. Takes half an hour on two
cores; the jobs go on if this program is ended.
"""

import sys
import time
from typing import Any

import httpx

RECIPES = ("fast", "reference")


def main() -> None:
    url, ids = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"), sys.argv[2:]
    with httpx.Client(base_url=url, timeout=30) as client:
        jobs = [wait(client, job_id) for job_id in ids or [submit(client, recipe) for recipe in RECIPES]]
    print("| epoch |" + "".join(f" `{job['spec']['recipe']}` train loss | validation |" for job in jobs))
    print("|---|" + "---|---|" * len(jobs))
    for epochs in zip(*(job["result"]["epochs"] for job in jobs), strict=True):
        cells = (f" {epoch['train_loss']:.4f} | {epoch['validation_accuracy']:.2%} |" for epoch in epochs)
        print(f"| {epochs[0]['epoch']} |" + "".join(cells))
    for job in jobs:
        result, spec = job["result"], job["spec"]
        low, high = result["test"]["interval_95"]
        test = result["test"]
        print(f"\n`{spec['recipe']}`, seed {spec['seed']}: **{test['correct']:,} of {test['total']:,}** test pictures")
        print(f"(95 % interval {low:.2%} to {high:.2%}), test loss {test['loss']:.4f}; {result['seconds']:.0f} s.")
        print(f"Promoted: {str(result['promoted']).lower()}, {result['promotion']}.")


def submit(client: httpx.Client, recipe: str) -> str:
    answer = client.post("/v1/jobs", json={"kind": "mnist_training", "recipe": recipe, "epochs": 19, "seed": 1})
    job_id: str = answer.raise_for_status().json()["id"]
    return job_id


def wait(client: httpx.Client, job_id: str) -> dict[str, Any]:
    while (job := client.get(f"/v1/jobs/{job_id}").json())["status"] in ("queued", "running"):
        time.sleep(5)
    if job["status"] != "succeeded":
        sys.exit(f"job {job_id}: {job['status']}, {job['error']}")
    finished: dict[str, Any] = job
    return finished


if __name__ == "__main__":
    main()
