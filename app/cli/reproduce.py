"""`numeral reproduce`: let the running service train a version again, and say whether the weights are equal."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.client import UrlOption, open_client
from app.cli.options import JsonOption
from app.jobs.lifecycle import JobStatus

if TYPE_CHECKING:
    import httpx

POLL_SECONDS = 1.0


def reproduce(
    version: Annotated[str, typer.Argument(help="a model version or an alias")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a version again from its card. Exits with 0 if the weights are equal, 1 if not, 2 if it cannot be done."""
    with open_client(url) as client:
        job = _wait_for_end(client, _submit(client, version))
    result = job["result"]
    if result is None:
        reason = (job["error"] or {}).get("detail", f"it was {job['status']}")
        typer.echo(f"error: job {job['id']}: {reason}", err=True)
        raise typer.Exit(2)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        typer.echo(result["detail"])
        for difference in result["differences"]:
            typer.echo(f"  {difference['what']}: {difference['then']} then, {difference['now']} now")
    raise typer.Exit(0 if result["equal"] else 1)


def _submit(client: "httpx.Client", version: str) -> str:
    answer = client.post("/v1/jobs", json={"kind": "reproduction", "version": version})
    if not answer.is_success:
        typer.echo(f"error: {answer.json()['detail']}", err=True)
        raise typer.Exit(2)
    job_id: str = answer.json()["id"]
    typer.echo(f"Job {job_id} trains version {answer.json()['spec']['version']} again.", err=True)
    return job_id


def _wait_for_end(client: "httpx.Client", job_id: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        if JobStatus(job["status"]).is_final:
            return job
        time.sleep(POLL_SECONDS)
