"""`numeral models ...`: the versions of the running service."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import JsonOption
from app.cli.output import age, percent, print_fields, print_json, print_table, short_ids
from app.cli.service import UrlOption, open_client
from app.errors import file_is

models = typer.Typer(no_args_is_help=True, help="The model versions of the running service.")

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="a version or an alias")]
AliasOption = Annotated[str, typer.Option(help="which name; `champion` answers predictions")]


@models.command("list")
def list_(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the versions, newest first."""
    with open_client(url) as client:
        found = client.models.list()
    if as_json:
        print_json(found)
        return
    ids = short_ids(model.job for model in found if model.job)
    rows = [
        {
            "version": model.version,
            "aliases": model.aliases,
            "age": age(model.created_at),
            "data set": model.dataset,
            "recipe": model.recipe,
            "test": percent(model.test_accuracy),
            "validation": percent(model.validation_accuracy),
            "job": ids.get(model.job or ""),
            "note": model.note,
        }
        for model in found
    ]
    print_table(rows, empty="There is no version.")


@models.command()
def show(version: VersionArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a version: how it was trained, how good it is, its files."""
    with open_client(url) as client:
        model = client.models.get(version)
    if as_json:
        print_json(model)
        return
    test = model.card.test
    print_fields(
        {
            "version": model.version,
            "aliases": ", ".join(model.aliases),
            "age": age(model.created_at),
            "data set": model.dataset,
            "recipe": model.recipe,
            "seed": model.card.seed,
            "test": f"{test.correct:,} of {test.total:,} ({percent(test.accuracy)})",
            "validation": percent(model.validation_accuracy),
            "job": model.job,
            "note": model.note,
            **{file.name: f"{file.size:,} bytes, sha256 {file.sha256}" for file in model.files},
        }
    )


@models.command()
def promote(
    version: VersionArgument,
    alias: AliasOption = "champion",
    force: Annotated[bool, typer.Option("--force", help="although the gate refuses it")] = False,
    reason: Annotated[str | None, typer.Option(help="for the history")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version answer predictions, or stand under another alias."""
    with open_client(url) as client:
        model = client.aliases.set(version, alias, force=force, reason=reason)
    print_json(model) if as_json else typer.echo(f"{alias} is version {model.version}.")


@models.command()
def rollback(alias: AliasOption = "champion", url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Go back to the version that served before."""
    with open_client(url) as client:
        model = client.aliases.rollback(alias)
    print_json(model) if as_json else typer.echo(f"{alias} is version {model.version}.")


@models.command()
def aliases(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the aliases: which version each stands for, since when and why."""
    with open_client(url) as client:
        found = client.aliases.list()
    if as_json:
        print_json(found)
        return
    rows = [
        {"alias": each.alias, "version": each.version, "age": age(each.since), "reason": each.reason} for each in found
    ]
    print_table(rows, empty="There is no alias.")


@models.command()
def unalias(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="not `champion`")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an alias; the version stays."""
    with open_client(url) as client:
        client.aliases.delete(alias)
    print_json({"deleted": alias}) if as_json else typer.echo(f"There is no alias {alias} any more.")


@models.command()
def download(
    version: VersionArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder (default: version-N)")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download the files of a version: weights, ONNX, card."""
    with open_client(url) as client:
        number = client.models.get(version).version
        folder = output or Path(f"version-{number}")
        with file_is("written"):
            files = client.models.download(number, folder)
    if as_json:
        print_json({"folder": str(folder), "files": files})
        return
    for file in files:
        typer.echo(f"{folder / file.name}: {file.size:,} bytes")


@models.command()
def delete(version: VersionArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Remove a version with its files."""
    with open_client(url) as client:
        client.models.delete(version)
    print_json({"deleted": version}) if as_json else typer.echo(f"Version {version} is deleted.")
