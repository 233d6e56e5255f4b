"""The commands for operators: `numeral gc` and `numeral doctor`."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from app.cli.options import DataOption, HostOption, JsonOption, PortOption, exit_on_error, read_settings, within
from app.db import Sessions
from app.maintenance.gc import Garbage, find_garbage, remove
from app.storage import Stored, open_storage


def gc(
    is_deleting: Annotated[
        bool, typer.Option("--delete", "--yes", help="delete them; without this, only list them")
    ] = False,
    grace_minutes: Annotated[
        float, typer.Option(callback=within(0, 1_000_000), help="keep artifacts that are younger")
    ] = 60,
    data_dir: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List, and with --delete remove, artifacts and rows that nothing needs. Safe to interrupt."""
    with exit_on_error():
        settings = read_settings(data_dir=data_dir)
        sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
        found = find_garbage(sessions, storage, grace=timedelta(minutes=grace_minutes))
        artifacts = remove(sessions, storage, found) if is_deleting else found.artifacts
        sessions.close()
    typer.echo(_as_json(found, artifacts, is_deleting) if as_json else _as_table(found, artifacts, is_deleting))


def doctor(
    host: HostOption = None, port: PortOption = None, data_dir: DataOption = None, as_json: JsonOption = False
) -> None:
    """Check everything that the service needs, and say what to do. Exits with 1 if a check fails."""
    from app.maintenance.doctor import diagnose  # loads httpx

    findings = diagnose(read_settings(host=host, port=port, data_dir=data_dir))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.state:6}  {finding.check:8}  {finding.detail}")
    raise typer.Exit(1 if any(finding.state == "failed" for finding in findings) else 0)


def _as_table(found: Garbage, artifacts: list[Stored], is_deleting: bool) -> str:
    lines = [f"{artifact.size:>12,}  {artifact.written_at:%Y-%m-%d %H:%M}  {artifact.name}" for artifact in artifacts]
    head = [f"{'bytes':>12}  {'written (UTC)':16}  artifact"] if lines else []
    total = sum(artifact.size for artifact in artifacts)
    summary = (
        f"{len(artifacts)} artifacts of {total:,} bytes, the rows of {len(found.checkpoints)} spent checkpoints and "
        f"{len(found.workers)} workers {'were removed' if is_deleting else 'can be removed'}; "
        f"{found.too_young} more artifacts are younger than the grace period and stay."
    )
    hint = [] if is_deleting else ["Nothing was changed. `numeral gc --delete` removes them."]
    return "\n".join([*head, *lines, summary, *hint])


def _as_json(found: Garbage, artifacts: list[Stored], is_deleting: bool) -> str:
    return json.dumps(
        {
            "deleted": is_deleting,
            "artifacts": [asdict(artifact) | {"written_at": artifact.written_at.isoformat()} for artifact in artifacts],
            "bytes": sum(artifact.size for artifact in artifacts),
            "checkpoints": [{"job_id": job_id, "step": step} for job_id, step in found.checkpoints],
            "workers": found.workers,
            "too_young": found.too_young,
        }
    )
