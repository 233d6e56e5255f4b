"""The command line: `numeral up | api | worker | migrate | train | predict | jobs | keys | gc | doctor`."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.access.startup import require_keys
from app.cli.client import jobs, predict
from app.cli.keys import keys
from app.cli.maintenance import doctor, gc
from app.cli.options import DataOption, HostOption, InsecureOption, JsonOption, PortOption, read_settings, sentences
from app.config import Settings
from app.db import require_schema
from app.jobs.specs import QUEUES, MnistTrainingSpec
from app.logs import configure_logging
from app.metrics.shared_counters import clear
from app.processes.children import (
    announce,
    numeral_command,
    only_one_in,
    own_queues,
    require_free_port,
    require_serving_device,
    require_usable,
    start_workers,
)
from app.processes.supervisor import Supervisor

# Imports inside a command: what they load is not needed by the others, and `numeral api` is to stay small.

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Numeral trains, proves and serves a digit recogniser."
)


@cli.command()
def up(
    host: HostOption = None, port: PortOption = None, data_dir: DataOption = None, insecure: InsecureOption = None
) -> None:
    """Start everything: database, embedded Valkey, API and workers. Ctrl-C ends all of it."""
    from app.migrations.migrate import upgrade
    from app.processes.embedded import start_valkey

    with sentences():
        settings = read_settings(host=host, port=port, data_dir=data_dir, insecure=insecure)
        configure_logging(settings.log_format)
        require_usable(settings)
        require_serving_device(settings)
        require_free_port(settings.host, settings.port)
        with only_one_in(settings.data_dir), _supervised(settings) as supervisor:
            upgrade(settings.resolved_database_url)
            require_keys(settings)
            if settings.redis_url is None:
                start_valkey(supervisor, settings.embedded_socket, settings.data_dir / "valkey")
            supervisor.start("api", *numeral_command("api"))
            start_workers(supervisor, settings, own_queues())
            threading.Thread(target=announce, args=(supervisor, settings), daemon=True).start()
            supervisor.run()


@cli.command()
def api(
    host: HostOption = None, port: PortOption = None, data_dir: DataOption = None, insecure: InsecureOption = None
) -> None:
    """Serve HTTP only. The database must have been migrated."""
    import uvicorn

    from app.server.shutdown import LingeringProtocol

    with sentences():
        settings = read_settings(host=host, port=port, data_dir=data_dir, insecure=insecure)
        configure_logging(settings.log_format)
        os.environ.update(settings.as_environment())
        require_usable(settings)
        require_serving_device(settings)
        require_free_port(settings.host, settings.port)
        require_keys(settings)
        clear(settings.metrics_dir)
        uvicorn.run(
            "app.main:create_server_from_environment",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.api_processes,
            log_config=None,
            access_log=False,
            http=LingeringProtocol,
            loop="app.server.event_loop:EagerLoop",
            timeout_graceful_shutdown=10,
            server_header=False,
        )


@cli.command()
def worker(
    queue: Annotated[list[str] | None, typer.Option(help=f"one of {', '.join(QUEUES)}; may be repeated")] = None,
    data_dir: DataOption = None,
) -> None:
    """Run jobs only: short sweeps and long trainings in processes of their own."""
    with sentences():
        settings = read_settings(data_dir=data_dir)
        configure_logging(settings.log_format)
        unknown = set(queue or ()) - set(QUEUES)
        if unknown:
            raise typer.BadParameter(f"there is no queue {', '.join(sorted(unknown))}; there are {', '.join(QUEUES)}")
        require_usable(settings)
        require_schema(settings.resolved_database_url)
        with _supervised(settings) as supervisor:
            start_workers(supervisor, settings, tuple(queue or own_queues()))
            supervisor.run()


@cli.command()
def migrate(data_dir: DataOption = None) -> None:
    """Bring the database's schema up to date."""
    from app.migrations.migrate import upgrade

    with sentences():
        settings = read_settings(data_dir=data_dir)
        upgrade(settings.resolved_database_url)
        typer.echo("The database is up to date.")


@cli.command()
def train(
    recipe: Annotated[str, typer.Option(help="fast, robust or reference")] = "fast",
    dataset: Annotated[str, typer.Option(help="mnist or optdigits")] = "mnist",
    epochs: Annotated[int | None, typer.Option(help="passes over the training pictures (from the recipe)")] = None,
    batch_size: Annotated[int | None, typer.Option(help="pictures per step (from the recipe)")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="peak learning rate (from the recipe)")] = None,
    seed: Annotated[int, typer.Option(help="of every random number")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    output: Annotated[Path, typer.Option(help="folder for the weights, the ONNX file and the card")] = Path("trained"),
    as_json: JsonOption = False,
) -> None:
    """Train in this terminal, without a service."""
    with sentences():
        asked = {"recipe": recipe, "dataset": dataset, "seed": seed, "device": device}
        given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
        filled = {name: value for name, value in given.items() if value is not None}
        spec = MnistTrainingSpec.model_validate({"kind": "mnist_training"} | asked | filled)
    os.environ.update(read_settings().as_environment())
    style = "json" if as_json else "text"
    # A process of its own: it loads torch, which nothing in `app` does.
    os.execv(sys.executable, [sys.executable, "-m", "worker.local", spec.model_dump_json(), str(output), style])


cli.command()(predict)
cli.command()(jobs)
cli.command()(gc)
cli.command()(doctor)
cli.add_typer(keys, name="keys")


@contextmanager
def _supervised(settings: Settings) -> Iterator[Supervisor]:
    supervisor = Supervisor(settings.as_environment())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, supervisor.stop)
    try:
        yield supervisor
    finally:
        supervisor.end_all()


def main() -> None:
    cli()
