"""/v1/jobs/{id}/trials, trials.csv, parallel.svg, importance.svg and extend: the trials of a search."""

import csv
import io
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.dependencies import ServicesDependency, require_json
from app.api.documented_errors import errors
from app.api.figure_parameters import Theme
from app.api.job_documents import encode
from app.api.json_route import JsonRoute
from app.api.path_parameters import JobId
from app.api.schemas import jobs as job_schemas
from app.api.schemas import searches as schemas
from app.api.schemas.media import sends
from app.errors import JobNotEnded, JobNotFound, QuotaReached, TooManyJobs, TrialsNotThere
from app.jobs import searches
from app.jobs.events import newest_events
from app.jobs.searches import Trial
from app.jobs.tables import Job
from app.jobs.transitions import job_not_found
from app.server.disconnects import disconnect_check
from app.services import Services
from models.figures.figure import Draw, ThemeName, draw_message, render
from models.figures.searches import draw_importance, draw_parallel

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)

COLUMNS = ("number", "status", "value", "epochs", "seconds", "job_id")
SVG = sends("image/svg+xml") | errors(JobNotFound, TrialsNotThere)


@router.get("/{job_id}/trials", response_model=schemas.Trials, responses=errors(JobNotFound, TrialsNotThere))
def list_trials(job_id: JobId, services: ServicesDependency) -> Any:
    """The trials of a search so far, with their settings and validation accuracies."""
    _, trials = searches.read_search(services.sessions, job_id)
    best = searches.find_best(trials)
    return {"items": trials, "best": best.number if best else None}


@router.get(
    "/{job_id}/trials.csv",
    response_class=Response,
    responses=sends("text/csv") | errors(JobNotFound, TrialsNotThere),
)
def list_trials_csv(job_id: JobId, services: ServicesDependency) -> Response:
    """The trials as a table: a line per trial, a column per setting."""
    search, trials = searches.read_search(services.sessions, job_id)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *search.spec["space"]])
    writer.writerows([*(getattr(trial, name) for name in COLUMNS), *trial.params.values()] for trial in trials)
    return Response(file.getvalue(), media_type="text/csv")


@router.get("/{job_id}/parallel.svg", response_class=Response, responses=SVG)
async def draw_parallel_svg(
    job_id: JobId, request: Request, services: ServicesDependency, theme: Theme = "light"
) -> Response:
    """Parallel coordinates: a line for each trial that has ended, through its settings to its value."""
    return await _figure(services, request, job_id, "parallel", _draw_parallel, theme)


@router.get("/{job_id}/importance.svg", response_class=Response, responses=SVG)
async def draw_importance_svg(
    job_id: JobId, request: Request, services: ServicesDependency, theme: Theme = "light"
) -> Response:
    """How much each setting mattered for reaching a good value, once the search has succeeded."""
    return await _figure(services, request, job_id, "importance", _draw_importance, theme)


@router.post(
    "/{job_id}/extend",
    status_code=202,
    response_model=job_schemas.Job,
    responses=errors(JobNotFound, TrialsNotThere, JobNotEnded, TooManyJobs, QuotaReached),
    dependencies=[Depends(require_json)],
)
def extend_search(extension: schemas.Extension, job_id: JobId, services: ServicesDependency) -> Response:
    """Queue an ended search again, with more trials. What has ended stays; the best of all is the winner."""
    quota, max_queued = services.quota, services.settings.max_queued
    job = searches.extend(services.sessions, job_id, extension.trials, max_queued=max_queued, quota=quota)
    services.notifier.notify(job.queue)
    return Response(encode(job), 202, media_type="application/json")


async def _figure(
    services: Services,
    request: Request,
    job_id: str,
    name: str,
    draw: Callable[[Job, list[Trial]], Draw],
    theme: ThemeName,
) -> Response:
    found = await run_in_threadpool(newest_events, services.sessions, [job_id])
    if job_id not in found:
        raise job_not_found(job_id)
    key = (name, job_id, found[job_id][0], theme)  # whatever changes the figure adds an event

    def drawn() -> bytes:
        return render(draw(*searches.read_search(services.sessions, job_id)), "svg", theme=theme)

    svg = await services.figures.get(key, drawn, disconnect_check(request.receive))
    return Response(svg, media_type="image/svg+xml")


def _draw_parallel(search: Job, trials: list[Trial]) -> Draw:
    ended = [(trial.params, trial.value, trial.status == "pruned") for trial in trials if trial.value is not None]
    title = f"Search, {len(ended)} of {search.spec['trials']} trials ({search.status})"
    if not ended:
        return partial(draw_message, title, "No trial has come to its end yet.")
    is_log = {name for name, dimension in search.spec["space"].items() if dimension.get("log")}
    return partial(draw_parallel, ended, is_log=is_log, title=title)


def _draw_importance(search: Job, _: list[Trial]) -> Draw:
    title = f"Importance of each setting in {search.spec['trials']} trials"
    if search.result is None:
        return partial(draw_message, title, f"The search is {search.status}; this is worked out at its end.")
    if not search.result["importance"]:
        return partial(draw_message, title, "That cannot be told from these trials.")
    return partial(draw_importance, search.result["importance"], title=title)
