"""`numeral jobs ...`: list, show, watch, cancel, retry, delete, compare and plot the service's jobs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import JsonOption, within
from app.cli.output import age, percent, print_fields, print_json, print_table, save, short_ids
from app.cli.service import UrlOption, open_client

if TYPE_CHECKING:
    from numeral_client import Event, Job

jobs = typer.Typer(help="The jobs of the running service; without a command, list them.")

JobArgument = Annotated[str, typer.Argument(metavar="ID", help="its id, or the beginning of it")]
JobsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="ids, or their beginnings")]
StatusOption = Annotated[
    str | None, typer.Option(help="only jobs that are queued, running, succeeded, failed or cancelled")
]
LimitOption = Annotated[int, typer.Option(callback=within(1, 10_000), help="how many jobs")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="the file to write; - for stdout")]


@jobs.callback(invoke_without_command=True)
def list_when_alone(
    context: typer.Context,
    status: StatusOption = None,
    limit: LimitOption = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    if context.invoked_subcommand is None:
        list_(status=status, limit=limit, url=url, as_json=as_json)


@jobs.command("list")
def list_(
    status: StatusOption = None,
    kind: Annotated[str | None, typer.Option(help="only jobs of this kind, such as mnist_training")] = None,
    name: Annotated[str | None, typer.Option(help="only jobs of exactly this name")] = None,
    tag: Annotated[str | None, typer.Option(help="only jobs with this tag")] = None,
    limit: LimitOption = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    with open_client(url) as client:
        found = client.jobs.list(limit=limit, status=status, kind=kind, name=name, tag=tag)
        if as_json:
            print_json(found)
            return
        accuracies = {model.job: model.test_accuracy for model in client.models.list()} if found else {}
        ids = short_ids(job.id for job in found)
        rows = [
            {
                "id": ids[job.id],
                "kind": job.kind,
                "status": job.status,
                "age": age(job.created_at),
                "data set": job.spec.get("dataset") or job.spec.get("base", {}).get("dataset"),
                "done": f"{job.progress.done}/{job.progress.total} {job.progress.unit}" if job.progress else "",
                "accuracy": percent(accuracies.get(job.id)),
                "name": job.name,
            }
            for job in found
        ]
        print_table(rows, empty="No job matches." if status or kind or name or tag else "There is no job yet.")


@jobs.command()
def show(job: JobArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a job: its spec, how far it is, and its result."""
    with open_client(url) as client:
        _show(client.jobs.get(job), as_json=as_json)


@jobs.command()
def watch(job: JobArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Follow a job to its end. Exits with 1 if it fails or is cancelled. --json: a line per event."""
    with open_client(url) as client:
        watch_job(client.jobs.get(job), as_json=as_json)


@jobs.command()
def cancel(job_ids: JobsArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Cancel jobs: queued ones at once, running ones at their next batch."""
    with open_client(url) as client:
        for job in [client.jobs.get(job_id) for job_id in job_ids]:
            _say(job.cancel(), as_json=as_json)


@jobs.command()
def retry(
    job: JobArgument,
    learning_rate: Annotated[float | None, typer.Option(help="as a new job with this learning rate")] = None,
    epochs: Annotated[int | None, typer.Option(help="as a new job of so many epochs")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a failed or cancelled job again; a training goes on from its last checkpoint."""
    changes = {"learning_rate": learning_rate, "epochs": epochs}
    with open_client(url) as client:
        again = client.jobs.get(job).retry(**{name: value for name, value in changes.items() if value is not None})
        _say(again, as_json=as_json)


@jobs.command()
def delete(job_ids: JobsArgument, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Delete jobs that have ended, with their events, checkpoints and curves."""
    with open_client(url) as client:
        for job in [client.jobs.get(job_id) for job_id in job_ids]:
            job.delete()
            print_json({"deleted": job.id}) if as_json else typer.echo(f"{job.id} is deleted.")


@jobs.command()
def compare(
    job_ids: JobsArgument, output: OutputOption = None, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Compare up to 20 trainings; --output FILE.svg draws their curves."""
    with open_client(url) as client:
        found = [client.jobs.get(job_id).id for job_id in job_ids]
        if output is not None:
            save(client.jobs.plot_comparison(*found), output)
            return
        comparison = client.jobs.compare(*found)
        if as_json:
            print_json(comparison)
            return
        ids = short_ids(found)
        rows = [
            {
                "id": ids[item["id"]],
                "name": item["name"],
                "status": item["status"],
                "validation": percent(item["best_validation_accuracy"]),
                "test": percent(item["test_accuracy"]),
                "seconds": item["seconds"],
            }
            | {name: values[number] for name, values in comparison.differences.items()}
            for number, item in enumerate(comparison.items)
        ]
        print_table(rows, empty="")


@jobs.command()
def plot(
    job: JobArgument,
    output: OutputOption = None,
    view: Annotated[str, typer.Option(help="of a sweep: curves, or panels")] = "curves",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a job's curves into an .svg or .png file, named after the job unless --output says how."""
    with open_client(url) as client:
        found = client.jobs.get(job)
        target = output or Path(f"{found.id}.svg")
        image_format = "png" if target.suffix.lower() == ".png" else "svg"
        save(found.plot(image_format=image_format, view=view), target, as_json=as_json)


def watch_job(job: "Job[Any]", *, as_json: bool) -> None:
    """Follow a job to its end, with what happens line by line and a progress bar below, and show its result."""
    from numeral_client.display import ProgressBar  # loads httpx, as in service.py

    bar, spec, done = ProgressBar(), job.document.spec, 0
    total = len(spec.get("learning_rates", ())) or spec.get("trials") or 0  # of a sweep, or of a search
    for event in job.follow():
        if as_json:
            print_json(event)
        elif line := _describe(event):
            bar.clear()
            typer.echo(line, err=True)
        if event.event == "epoch" and "epochs" in spec and not as_json:
            bar.show(event.data["epoch"], spec["epochs"], "epochs")
        if event.event == "trial" and not as_json:
            done += 1
            bar.show(min(done, total), total, "trials")
    bar.close()
    if not as_json:
        _show(job, as_json=False)
    raise typer.Exit(0 if job.status == "succeeded" else 1)


def _describe(event: "Event") -> str:
    """An event in a line; nothing for one of the thousands of trials of a sweep."""
    data = event.data
    if event.event == "epoch":
        return (
            f"epoch {data['epoch']:3}  train loss {data['train_loss']:.4f}  "
            f"validation {data['validation_accuracy']:.2%}  learning rate {data['learning_rate']:.4f}"
        )
    if event.event == "status":
        return " ".join(str(data[name]) for name in ("status", "reason") if data.get(name))
    return str(data["message"]) if event.event == "log" else ""


def _show(job: "Job[Any]", *, as_json: bool) -> None:
    if as_json:
        print_json(job.document)
        return
    document = job.document
    print_fields(
        {
            "id": job.id,
            "kind": job.kind,
            "name": document.name,
            "tags": document.tags,
            "status": job.status + (", to be cancelled" if document.cancel_requested else ""),
            "notice": document.notice,
            "age": age(document.created_at),
            "progress": document.progress
            and f"{document.progress.done}/{document.progress.total} {document.progress.unit}",
            "error": document.error and f"{document.error.reason}: {document.error.detail}",
            **_result_fields(job),
            "spec": {name: value for name, value in document.spec.items() if name != "kind"},
        }
    )


def _result_fields(job: "Job[Any]") -> dict[str, Any]:
    """The figures of a result that a person asks for first."""
    result: dict[str, Any] = job.document.result or {}
    if job.kind == "backprop_sweep" and result:
        trials = {f"rate {one['learning_rate']:g}": f"{one['outcome']}, last loss {one['loss'][-1]}"
                  for one in result["trials"][:20]}  # fmt: skip
        return trials | {"best": result["best"], "fastest": result["fastest"]}
    if "test" in result:
        return {
            "version": result["model_version"],
            "test": percent(result["test"]["accuracy"]),
            "validation": percent(result["validation"]["accuracy"]),
            "promoted": str(result["promoted"]).lower(),
            "seconds": result["seconds"],
        }
    return {name: result[name] for name in ("best", "winner", "trials", "detail", "value") if name in result}


def _say(job: "Job[Any]", *, as_json: bool) -> None:
    print_json(job.document) if as_json else typer.echo(f"{job.id} is {job.status}.")
