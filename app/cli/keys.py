"""The commands for API keys: `numeral keys create | list | revoke`."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from app.access import keys as service
from app.access.keys import SCOPES
from app.access.tables import ApiKey
from app.cli.options import DataOption, JsonOption, exit_on_error, read_settings
from app.config import Settings
from app.db import Sessions

keys = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")

NAME = re.compile(r"[\w .@:/-]{1,80}")
DURATION = re.compile(r"(\d{1,5})([mhdy])")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "y": timedelta(days=365)}


@keys.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="who or what the key is for")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"what the key allows: {', '.join(SCOPES)}; may be repeated (default: predict)"),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="lifetime: 90d, 12h, 1y; without this, it never expires")] = None,
    data_dir: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it. It is shown only now: the service stores its sha256."""
    if not NAME.fullmatch(name):
        raise typer.BadParameter("a name has 1 to 80 letters, digits, spaces and . @ : / -")
    for given in scope or ():
        if given not in SCOPES:
            raise typer.BadParameter(f"there is no scope {given!r}; there are {', '.join(SCOPES)}")
    valid_for = _duration(expires) if expires else None
    with exit_on_error():
        sessions = _sessions(read_settings(data_dir=data_dir))
        key, whole = service.create(sessions, name, scope or ["predict"], valid_for=valid_for)
        sessions.close()
    if as_json:
        typer.echo(json.dumps(_describe(key) | {"key": whole}))
        return
    typer.echo(whole)
    typer.echo(
        "The key is shown only this once. Set NUMERAL_API_KEY to it, or send it as Authorization: "
        "Bearer KEY or X-API-Key: KEY.",
        err=True,
    )


@keys.command("list")
def list_(data_dir: DataOption = None, as_json: JsonOption = False) -> None:
    """List the keys: id, scopes, state, name. Their secrets are not stored."""
    with exit_on_error():
        sessions = _sessions(read_settings(data_dir=data_dir))
        found = [_describe(key) for key in service.list_(sessions)]
        sessions.close()
    if as_json:
        typer.echo(json.dumps(found))
        return
    if not found:
        typer.echo("There are no keys. `numeral keys create NAME` makes one.", err=True)
    for key in found:
        until = f" until {key['expires_at']}" if key["expires_at"] and key["state"] == "good" else ""
        typer.echo(f"{key['id']}  {','.join(key['scopes']):20}  {key['state']}{until}  {key['name']}")


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="the ten letters after numeral_")],
    data_dir: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key. Every process refuses it within two seconds."""
    with exit_on_error():
        sessions = _sessions(read_settings(data_dir=data_dir))
        key = service.revoke(sessions, key_id.removeprefix("numeral_").partition("_")[0])
        sessions.close()
    typer.echo(json.dumps(_describe(key)) if as_json else f"The key {key.id} ({key.name}) is revoked.")


def _sessions(settings: Settings) -> Sessions:
    return Sessions(settings.resolved_database_url)


def _duration(text: str) -> timedelta:
    found = DURATION.fullmatch(text)
    if not found or not int(found[1]):
        raise typer.BadParameter(f"--expires must be a duration such as 90d, 12h or 1y, not {text!r}")
    return int(found[1]) * UNITS[found[2]]


def _describe(key: ApiKey) -> dict[str, Any]:
    state = "good"
    if key.revoked_at:
        state = "revoked"
    elif key.expires_at and key.expires_at <= datetime.now(UTC):
        state = "expired"
    times = {"created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    written = {name: time.isoformat(timespec="seconds") if time else None for name, time in times.items()}
    return {"id": key.id, "name": key.name, "scopes": key.scopes.split(), "state": state} | written
