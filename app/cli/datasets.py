"""`numeral datasets ...`: the data sets of the running service."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import JsonOption
from app.cli.output import age, print_fields, print_json, print_table, save
from app.cli.service import UrlOption, open_client

datasets = typer.Typer(no_args_is_help=True, help="The data sets of the running service.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="the data set's name")]


@datasets.command("list")
def list_(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the data sets: uploaded ones, feedback, and those that come with the service."""
    with open_client(url) as client:
        found = client.datasets.list()
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "name": dataset.name,
            "pictures": f"{dataset.pictures:,}" if dataset.pictures is not None else "",
            "age": age(dataset.created_at),
            "train/validation/test": "/".join(map(str, (dataset.splits or {}).values())),
            "description": dataset.description,
        }
        for dataset in found
    ]
    print_table(rows, empty="There is no data set.")


@datasets.command()
def show(name: NameArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a data set, with the files that could not be used and why."""
    with open_client(url) as client:
        dataset = client.datasets.get(name)
    if as_json:
        print_json(dataset)
        return
    rejected = dataset.rejected
    print_fields(
        {
            "name": dataset.name,
            "description": dataset.description,
            "age": age(dataset.created_at),
            "pictures": dataset.pictures,
            "of each digit": dataset.counts,
            "splits": dataset.splits,
            "sha256": dataset.sha256,
            "rejected": rejected and rejected.total,
        }
    )
    for file in rejected.items if rejected else ():
        typer.echo(f"  {file['file']}: {file['reason']}")


@datasets.command()
def upload(
    name: NameArgument,
    source: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER|ZIP|IDX...", exists=True, help="a folder or a zip of <digit>/<picture>, or IDX files"
        ),
    ],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a data set of a folder with folders 0 to 9, of a zip of such, or of IDX files."""
    with open_client(url) as client:
        typer.echo("The service looks at each picture; ten thousand take about a minute.", err=True)
        dataset = client.datasets.upload(name, source)
    if as_json:
        print_json(dataset)
        return
    rejected = dataset.rejected.total if dataset.rejected else 0
    typer.echo(f"{name} has {dataset.pictures:,} pictures; {rejected} files were rejected (`numeral datasets show`).")


@datasets.command()
def delete(name: NameArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Delete a data set that neither a version nor an open job names."""
    with open_client(url) as client:
        client.datasets.delete(name)
    print_json({"deleted": name}) if as_json else typer.echo(f"{name} is deleted.")


@datasets.command()
def sheet(
    name: NameArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="the PNG to write; - for stdout")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw up to 100 of its pictures as the network sees them."""
    with open_client(url) as client:
        save(client.datasets.sheet(name), output or Path(f"{name}.png"), as_json=as_json)
