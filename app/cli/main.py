"""The command line: what runs the service, what asks a running one, and what operators need."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app import VERSION
from app.access.startup import require_keys
from app.cli.completion import completion
from app.cli.datasets import datasets
from app.cli.jobs import jobs
from app.cli.keys import keys
from app.cli.maintenance import doctor, gc
from app.cli.models import models
from app.cli.options import (
    DataOption,
    HostOption,
    InsecureOption,
    JsonOption,
    PlainGroup,
    PortOption,
    exit_on_error,
    read_settings,
)
from app.cli.predict import predict, read
from app.cli.reproduce import reproduce
from app.cli.submit import submit
from app.cli.trace import trace
from app.db import require_schema
from app.jobs.specs import QUEUES, MnistTrainingSpec
from app.jobs.specs.training import CPU_QUEUE, CUDA_QUEUE
from app.logs import configure_logging
from app.metrics.shared_counters import clear
from app.processes.checks import exclusive_lock, require_servable, require_torch, require_usable
from app.processes.children import available_queues, start_service, start_workers
from app.processes.embedded import socket_folder
from app.processes.privacy import keep_private
from app.processes.supervisor import supervising
from app.processes.training_threads import training_environment
from models.datasets.built_in import BUILT_IN
from models.revision import find_commit

TRAINING_QUEUES = (CPU_QUEUE, CUDA_QUEUE)

cli = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Numeral trains, evaluates and serves a digit recogniser.",
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        commit = find_commit()
        typer.echo(f"numeral {VERSION}" + (f" (commit {commit})" if commit else ""))
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Numeral trains, evaluates and serves a digit recogniser."""


@cli.command()
def up(
    host: HostOption = None, port: PortOption = None, data_dir: DataOption = None, insecure: InsecureOption = None
) -> None:
    """Start everything: database, embedded Valkey, API and workers. Ctrl-C stops all of it."""
    from app.migrations.migrate import upgrade  # loads Alembic, which `numeral api` and `numeral worker` do not need

    with exit_on_error():
        settings = read_settings(host=host, port=port, data_dir=data_dir, insecure=insecure)
        configure_logging(settings.log_format)
        keep_private(settings.data_dir)
        require_servable(settings)
        with (
            exclusive_lock(settings.data_dir),
            socket_folder(settings),
            supervising(settings.as_environment()) as supervisor,
        ):
            upgrade(settings.resolved_database_url)
            require_keys(settings)
            start_service(supervisor, settings)
            supervisor.run()


@cli.command()
def api(
    host: HostOption = None, port: PortOption = None, data_dir: DataOption = None, insecure: InsecureOption = None
) -> None:
    """Serve HTTP only. The database must have been migrated."""
    from app.server.run import run_server  # loads uvicorn, which only this command needs

    with exit_on_error():
        settings = read_settings(host=host, port=port, data_dir=data_dir, insecure=insecure)
        configure_logging(settings.log_format)
        keep_private(settings.data_dir)
        require_servable(settings)
        require_keys(settings)
        clear(settings.metrics_dir)
        os.environ.update(settings.as_environment())
        run_server(settings)


@cli.command()
def worker(
    queue: Annotated[list[str] | None, typer.Option(help=f"one of {', '.join(QUEUES)}; may be repeated")] = None,
    data_dir: DataOption = None,
) -> None:
    """Run jobs only: sweeps, the steps of searches, and long trainings in separate processes."""
    with exit_on_error():
        unknown = set(queue or ()) - set(QUEUES)
        if unknown:
            raise typer.BadParameter(f"there is no queue {', '.join(sorted(unknown))}; there are {', '.join(QUEUES)}")
        settings = read_settings(data_dir=data_dir)
        configure_logging(settings.log_format)
        if set(queue or TRAINING_QUEUES) & set(TRAINING_QUEUES):
            require_torch()
        keep_private(settings.data_dir)
        require_usable(settings)
        require_schema(settings.resolved_database_url)
        with supervising(settings.as_environment()) as supervisor:
            start_workers(supervisor, settings, tuple(queue or available_queues()))
            supervisor.run()


@cli.command()
def migrate(data_dir: DataOption = None, as_json: JsonOption = False) -> None:
    """Bring the database's schema up to date."""
    from app.migrations.migrate import upgrade  # loads Alembic, which only `up` and this command need

    with exit_on_error():
        settings = read_settings(data_dir=data_dir)
        keep_private(settings.data_dir)
        upgrade(settings.resolved_database_url)
        typer.echo(json.dumps({"up_to_date": True}) if as_json else "The database is up to date.")


@cli.command()
def train(
    recipe: Annotated[str, typer.Option(help="quick, fast, robust or reference")] = "fast",
    dataset: Annotated[str, typer.Option(help=", ".join(BUILT_IN))] = "mnist",
    epochs: Annotated[
        int | None, typer.Option(help="passes over the training pictures (default: the recipe's)")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="pictures per step (default: the recipe's)")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="peak learning rate (default: the recipe's)")] = None,
    seed: Annotated[int, typer.Option(help="of all random numbers")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    output: Annotated[Path, typer.Option(help="folder for the weights, the ONNX file and the card")] = Path("trained"),
    as_json: JsonOption = False,
) -> None:
    """Train in this terminal, without a service."""
    with exit_on_error():
        options = {"recipe": recipe, "dataset": dataset, "seed": seed, "device": device, "epochs": epochs}
        options |= {"batch_size": batch_size, "learning_rate": learning_rate}
        given = {name: value for name, value in options.items() if value is not None}
        spec = MnistTrainingSpec.model_validate({"kind": "mnist_training"} | given)
        spec.require_sense()
        require_torch()
        settings = read_settings()
    os.environ.update(settings.as_environment() | training_environment(settings))
    style = "json" if as_json else "text"
    # A process of its own, because it loads torch, which nothing in `app` may do.
    os.execv(sys.executable, [sys.executable, "-m", "worker.local", spec.model_dump_json(), str(output), style])


for command in (predict, read, trace, reproduce, gc, doctor, completion):
    cli.command(command.__name__.strip("_"))(command)
for name, commands in {"submit": submit, "jobs": jobs, "models": models, "datasets": datasets, "keys": keys}.items():
    cli.add_typer(commands, name=name)


def main() -> None:
    cli(prog_name="numeral")
