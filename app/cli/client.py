"""The commands that are clients of a running service: `numeral predict` and `numeral jobs`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from app.access.startup import is_loopback
from app.cli.options import JsonOption, read_settings

if TYPE_CHECKING:
    import httpx

UrlOption = Annotated[str | None, typer.Option(help="address of the service (from NUMERAL_HOST and NUMERAL_PORT)")]


def predict(
    files: Annotated[list[Path], typer.Argument(help="pictures of digits", exists=True, dir_okay=False)],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the running service predict the digits in some pictures. Exits with 1 if a picture cannot be read."""
    with open_client(url) as client:
        failed = False
        for file in files:
            answer = client.post("/v1/predict", files={"file": file.read_bytes()})
            failed |= not answer.is_success
            body = answer.json()
            if as_json:
                typer.echo(json.dumps({"file": str(file)} | body))
            elif answer.is_success:
                rejection = "" if body["accepted"] else f"  rejected: {body['reason']}"
                typer.echo(f"{file}: {body['digit']}  ({body['confidence']:.1%}){rejection}")
            else:
                typer.echo(f"{file}: {body['detail']}", err=True)
        raise typer.Exit(1 if failed else 0)


def jobs(
    status: Annotated[
        str | None, typer.Option(help="only jobs that are queued, running, succeeded, failed or cancelled")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="how many jobs")] = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the running service's jobs, newest first."""
    with open_client(url) as client:
        answer = client.get("/v1/jobs", params={"limit": limit} | ({"status": status} if status else {}))
        body = answer.json()
        if not answer.is_success:
            typer.echo(f"error: {body['detail']}", err=True)
            raise typer.Exit(1)
        if as_json:
            typer.echo(json.dumps(body["items"]))
            return
        for job in body["items"]:
            progress = job["progress"] or {"done": 0, "total": 0, "unit": ""}
            done = f"{progress['done']}/{progress['total']} {progress['unit']}" if progress["total"] else ""
            typer.echo(f"{job['id']}  {job['kind']:18} {job['status']:10} {done}")


@contextmanager
def open_client(url: str | None) -> Iterator["httpx.Client"]:
    import httpx  # loaded here: `numeral api` does without it

    base = url or read_settings().url
    try:
        key = os.environ.get("NUMERAL_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else None
        with _open(base, headers, is_own=url is None or is_loopback(urlsplit(url).hostname or "")) as client:
            yield client
    except httpx.HTTPError as error:
        typer.echo(f"error: no service answers at {base} ({error}); start one with `numeral up`.", err=True)
        raise typer.Exit(1) from error
    except json.JSONDecodeError as error:
        typer.echo(f"error: the service at {base} is not Numeral.", err=True)
        raise typer.Exit(1) from error


def _open(base: str, headers: dict[str, str] | None, *, is_own: bool) -> "httpx.Client":
    """A client of the service; a proxy that the environment names is not asked for this program's own address."""
    import httpx  # as above

    try:
        return httpx.Client(base_url=base, timeout=30, headers=headers, trust_env=not is_own)
    except (ImportError, ValueError) as error:  # httpx's words for a proxy that it cannot use, such as a SOCKS one
        typer.echo(f"error: the proxy that the environment names cannot be used: {error}", err=True)
        raise typer.Exit(1) from error
