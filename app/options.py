"""The settings of a command: environment, `.env`, and the options that were given."""

from typing import Any

import typer
from pydantic import ValidationError

from app.config import Settings


def read_settings(**options: Any) -> Settings:
    """The settings, an option before a variable of the same name. One that is broken ends the program with code 2."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        for part in error.errors():
            name = "_".join(map(str, part["loc"])).upper()
            typer.echo(f"error: NUMERAL_{name} (or the option of that name): {part['msg']}", err=True)
        raise typer.Exit(2) from error
