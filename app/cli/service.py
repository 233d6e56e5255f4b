"""The running service, for the commands that are clients of it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import option_of, read_settings
from app.errors import FileUnusable, file_is

if TYPE_CHECKING:
    from numeral_client import Client

RETRIES = 2  # a person waits: half a second for a service that is not there

UrlOption = Annotated[
    str | None, typer.Option(help="address of the service (NUMERAL_URL; else from NUMERAL_HOST and NUMERAL_PORT)")
]

# How a command line says what the service's sentences say of requests.
COMMANDS = {
    r"^[A-Z]+ /\S+ needs": "This command needs",
    r"Send it as Authorization: Bearer KEY or X-API-Key: KEY": "Set NUMERAL_API_KEY to it",
    r" GET /docs lists the endpoints\.": "",
    r"GET /readyz": "`numeral doctor`",
    r"with \?model=": "with --model",
    r'send "force": true': "add --force",
    r"GET /v1/jobs\?(\w+)=": r"`numeral jobs list --\1`",
    r"GET /v1/jobs": "`numeral jobs list`",
    r"DELETE /v1/jobs/([^\s/),;.]+)": r"`numeral jobs delete \1`",
    r"POST /v1/jobs/([^\s/),;.]+)/retry": r"`numeral jobs retry \1`",
    r"GET /v1/models/aliases": "`numeral models aliases`",
    r"PUT /v1/models/aliases/([^\s/),;.]+)": r"`numeral models promote VERSION --alias \1`",
    r"GET /v1/models": "`numeral models list`",
    r"DELETE /v1/models/([^\s/),;.]+)": r"`numeral models delete \1`",
    r"GET /v1/datasets": "`numeral datasets list`",
    r"DELETE /v1/datasets/([^\s/),;.]+)": r"`numeral datasets delete \1`",
}
ARGUMENTS = {"path.version": "VERSION", "path.name": "NAME", "path.job_id": "ID"}
PLACE = re.compile(r"(?:The request is not valid\. )?\b((?:body|query|path)(?:\.\w+)+)(?=:)")


@contextmanager
def open_client(url: str | None) -> Iterator["Client"]:
    """A client of the service. What goes wrong is reported in one sentence, and exits with 1."""
    from numeral_client import Client, NumeralError  # loads httpx, which `numeral api` does without

    given = url or os.environ.get("NUMERAL_URL")
    try:
        # A proxy that the environment names is not asked for this program's own address.
        trust_env = None if given else False
        with file_is("read"), Client(given or read_settings().url, retries=RETRIES, trust_env=trust_env) as client:
            yield client
    except (NumeralError, FileUnusable, ValueError) as error:
        typer.echo(f"error: {name_commands(str(error))}", err=True)
        raise typer.Exit(1) from error


def name_commands(text: str) -> str:
    """The text with commands in the place of requests, and options in the place of fields."""
    for request, command in COMMANDS.items():
        text = re.sub(request + r"(?![\w/?{])", command, text)
    text = text.removeprefix("The request is not valid. body: ")  # of no field alone
    return PLACE.sub(lambda found: ARGUMENTS.get(found[1]) or option_of(found[1].partition(".")[2]), text)
