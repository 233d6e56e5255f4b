"""Shared by the commands: options, settings, and how an error is reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from app.config import Settings
from app.errors import AppError, ConfigurationError
from app.validation_messages import describe, describe_all

HostOption = Annotated[str | None, typer.Option(help="address to listen on (NUMERAL_HOST, 127.0.0.1)")]
PortOption = Annotated[int | None, typer.Option(help="port to listen on (NUMERAL_PORT, 8000)")]
InsecureOption = Annotated[
    bool | None, typer.Option("--insecure", help="serve other machines without keys (NUMERAL_INSECURE)")
]
DataOption = Annotated[Path | None, typer.Option(help="data folder (NUMERAL_DATA_DIR, ./data)")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


class PlainGroup(TyperGroup):
    """Commands of which a value of another type is refused in this program's words; Typer's own are pydantic's."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = describe(error.__cause__.errors()[0])
            raise


def within(low: float, high: float) -> Callable[[float], float]:
    """Checks the value of an option: Typer's own bounds speak of "input"."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise typer.BadParameter(f"it must be {low:,} to {high:,}, not {value:,}")
        return value

    return check


def read_settings(**options: Any) -> Settings:
    """The settings; an option takes precedence over a variable of the same name.

    Exits with 2 for an invalid setting, and with 1 for an unusable file in a NUMERAL_*_FILE variable.
    """
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        for place, message in describe_all(error.errors()):
            typer.echo(f"error: NUMERAL_{'_'.join(place).upper()} (or the option of that name): {message}", err=True)
        raise typer.Exit(2) from error
    except ConfigurationError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def option_of(field: str) -> str:
    """The option that stands for a field: `--batch-size` for `batch_size`, also in the base of a search."""
    name, dot, rest = field.removeprefix("base.").partition(".")
    return f"--{name.replace('_', '-')}{dot}{rest}"


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Report an AppError in one sentence and exit with 1; for an invalid option or spec exit with 2."""
    try:
        yield
    except ValidationError as error:
        for place, message in describe_all(error.errors()):
            typer.echo(f"error: {option_of('.'.join(place))}: {message}" if place else f"error: {message}", err=True)
        raise typer.Exit(2) from error
    except AppError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
