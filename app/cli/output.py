"""How the commands show what they found: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic_core import to_jsonable_python

from app.errors import file_is

if TYPE_CHECKING:
    from numeral_client import Figure

MIN_ID_LENGTH = 13  # the time of submission, in milliseconds
MAX_CELL_LENGTH = 40


def print_json(value: Any) -> None:
    """One line of JSON."""
    typer.echo(json.dumps(to_jsonable_python(value)))


def print_table(rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """The rows under the names of their columns; `empty` where there are none."""
    if not rows:
        typer.echo(empty, err=True)
        return
    cells = [[name.upper() for name in rows[0]], *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_fields(fields: Mapping[str, Any]) -> None:
    """A thing's own page: a line per field; what is empty is left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max(map(len, shown))
    for name, value in shown.items():
        typer.echo(f"{name.ljust(width)}  {json.dumps(value) if isinstance(value, dict | list) else value}")


def save(content: "Figure", output: Path, *, as_json: bool = False) -> None:
    """Write a file, or to standard output for `-`. Raises ValueError for the suffix of another format of a figure."""
    if str(output) == "-":
        typer.get_binary_stream("stdout").write(content)
        return
    with file_is("written"):
        content.save(output)
    if as_json:
        print_json({"file": output, "bytes": len(content)})
    else:
        typer.echo(f"{output}: {len(content):,} bytes", err=True)


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """The shortest beginnings, of one length, that tell these ids apart."""
    known = set(ids)
    length = MIN_ID_LENGTH
    while len({one[:length] for one in known}) < len(known):
        length += 1
    return {one: one[:length].rstrip("-") for one in known}


def age(time: datetime | None) -> str:
    """How long ago that was."""
    from numeral_client.display import format_seconds  # loads httpx, as in service.py

    return format_seconds(max(0.0, (datetime.now(UTC) - time).total_seconds())) if time else ""


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _cell(value: Any) -> str:
    text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= MAX_CELL_LENGTH else text[: MAX_CELL_LENGTH - 3] + "..."
