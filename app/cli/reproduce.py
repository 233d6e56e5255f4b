"""`numeral reproduce`: let the running service train a version again, and say whether the weights are equal."""

from typing import Annotated

import typer

from app.cli.options import JsonOption
from app.cli.output import print_json
from app.cli.service import UrlOption, name_commands, open_client


def reproduce(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="a version or an alias")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a version again from its card. Exits with 0 if the weights are equal, 1 if not, 2 if it cannot be done."""
    from numeral_client import ApiError, JobFailed  # loads httpx, as in service.py

    with open_client(url) as client:
        try:
            job = client.submit({"kind": "reproduction", "version": version})
            typer.echo(f"Job {job.id} trains version {job.document.spec['version']} again.", err=True)
            result = job.wait().document.result or {}
        except (ApiError, JobFailed) as error:
            typer.echo(f"error: {name_commands(str(error))}", err=True)
            raise typer.Exit(2) from error
    if as_json:
        print_json(result)
    else:
        typer.echo(result["detail"])
        for difference in result["differences"]:
            typer.echo(f"  {difference['what']}: {difference['then']} then, {difference['now']} now")
    raise typer.Exit(0 if result["equal"] else 1)
