"""What commands share: their options, the settings these make, and how a failure is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.config import Settings
from app.errors import AppError, ConfigurationError

HostOption = Annotated[str | None, typer.Option(help="address to listen on (NUMERAL_HOST, 127.0.0.1)")]
PortOption = Annotated[int | None, typer.Option(help="port to listen on (NUMERAL_PORT, 8000)")]
InsecureOption = Annotated[
    bool | None, typer.Option("--insecure", help="serve other machines without keys (NUMERAL_INSECURE)")
]
DataOption = Annotated[Path | None, typer.Option(help="data folder (NUMERAL_DATA_DIR, ./data)")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def read_settings(**options: Any) -> Settings:
    """The settings, an option before a variable of the same name. One that is broken ends the program with code 2,
    a file that a variable names and that holds no good secret with code 1."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        for part in error.errors():
            name = "_".join(map(str, part["loc"])).upper()
            typer.echo(f"error: NUMERAL_{name} (or the option of that name): {part['msg']}", err=True)
        raise typer.Exit(2) from error
    except ConfigurationError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


@contextmanager
def sentences() -> Iterator[None]:
    """What goes wrong at start is said in one sentence, with exit code 1 (2 for a wrong option)."""
    try:
        yield
    except ValidationError as error:
        for part in error.errors():
            typer.echo(f"error: {'.'.join(map(str, part['loc']))}: {part['msg']}", err=True)
        raise typer.Exit(2) from error
    except AppError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
