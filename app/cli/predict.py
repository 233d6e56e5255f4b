"""`numeral predict` and `numeral read`: pictures from files, folders and standard input."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import JsonOption
from app.cli.output import print_json
from app.cli.service import UrlOption, name_commands, open_client
from app.errors import why
from models.errors import ModelError

if TYPE_CHECKING:
    from numeral_client import Prediction, Reading


CHAMPION = "champion"

FilesArgument = Annotated[list[str], typer.Argument(metavar="FILE...", help="pictures, folders, or - for stdin")]
LocalOption = Annotated[bool, typer.Option("--local", help="no service: the network that ships with this program")]
ModelOption = Annotated[str, typer.Option(help="a version or an alias")]


def predict(
    files: FilesArgument,
    model: ModelOption = CHAMPION,
    local: LocalOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict the digit in each picture. Exits with 1 if one cannot be read."""

    def show(found: "Prediction") -> str:
        rejection = "" if found.accepted else f"  rejected: {found.reason}"
        return f"{found.digit}  ({found.confidence:.1%}){rejection}"

    with _ask(url, local, model) as asked:
        _each(files, lambda content: asked.predict(content, model=model), show, as_json=as_json)


def read(
    files: FilesArgument,
    model: ModelOption = CHAMPION,
    local: LocalOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read all digits of each picture, line by line. Exits with 1 if one cannot be read."""

    def show(found: "Reading") -> str:
        doubtful = sum(not digit.accepted for digit in found.digits)
        return found.text.replace("\n", " / ") + (f"  ({doubtful} doubtful)" if doubtful else "")

    with _ask(url, local, model) as asked:
        _each(files, lambda content: asked.read(content, model=model), show, as_json=as_json)


@contextmanager
def _ask(url: str | None, local: bool, model: str) -> Iterator[Any]:
    """What has `predict` and `read`: the service, or the shipped network."""
    if local:
        if model != CHAMPION:
            raise typer.BadParameter("--local has the network that ships alone; leave out --model or --local.")
        from app.cli.local import LocalNetwork  # loads ONNX Runtime

        yield LocalNetwork()
        return
    with open_client(url) as client:
        yield client


def _each(files: list[str], ask: Callable[[bytes], Any], show: Callable[[Any], str], *, as_json: bool) -> None:
    from numeral_client import ApiError  # loads httpx, as in service.py
    from numeral_client.display import ProgressBar

    paths = list(_find(files))
    bar = ProgressBar(is_shown=None if len(paths) > 1 else False)
    failed = 0
    for number, path in enumerate(paths):
        bar.show(number, len(paths), "pictures")
        try:
            found = ask(_content(path))
            document, line, is_error = found.model_dump(mode="json", exclude_defaults=True), show(found), False
        except (ApiError, ModelError, OSError) as error:
            line, is_error = why(error) if isinstance(error, OSError) else name_commands(str(error)), True
            document = (error.problem if isinstance(error, ApiError) else {}) | {"detail": line}
        failed += is_error
        bar.clear()
        if as_json:
            print_json({"file": path} | document)
        else:
            typer.echo(f"{path}: {line}", err=is_error)
    if not paths:
        typer.echo(f"error: there is no picture in {', '.join(files)}.", err=True)
    raise typer.Exit(1 if failed or not paths else 0)


def _find(files: list[str]) -> Iterator[str]:
    """The pictures that are meant: those of a folder at any depth."""
    from numeral_client.pictures import find_pictures  # loads httpx, as in service.py

    for file in files:
        yield from map(str, [file] if file == "-" else find_pictures(file))


def _content(path: str) -> bytes:
    return typer.get_binary_stream("stdin").read() if path == "-" else Path(path).read_bytes()
