"""/v1/jobs/compare and compare.svg: the curves of several trainings laid over each other."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.dependencies import ServicesDependency
from app.api.documented_errors import errors
from app.api.figure_parameters import LossScale, Theme
from app.api.path_parameters import as_job_id
from app.api.responses import json_response
from app.api.schemas import comparison as schemas
from app.api.schemas.media import sends
from app.errors import InvalidInput, JobNotFound
from app.jobs.comparison import MAX_COMPARED, Comparison, compare
from app.jobs.events import newest_events
from app.jobs.tables import Job
from app.jobs.transitions import job_not_found
from app.server.disconnects import disconnect_check
from app.services import Services
from models.figures.figure import Draw, Scale, draw_message, render
from models.figures.training_curves import draw_comparison
from models.wording import counted

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LONGEST_IDS = MAX_COMPARED * 37


def parse_ids(
    ids: Annotated[
        str, Query(max_length=LONGEST_IDS, description=f"of 1 to {MAX_COMPARED} trainings, with commas between")
    ],
) -> list[str]:
    job_ids = list(dict.fromkeys(job_id.strip().lower() for job_id in ids.split(",") if job_id.strip()))
    if not 1 <= len(job_ids) <= MAX_COMPARED:
        raise InvalidInput(f"Name 1 to {MAX_COMPARED} jobs, with commas between their ids.", location="query.ids")
    return [as_job_id(job_id) for job_id in job_ids]


JobIds = Annotated[list[str], Depends(parse_ids)]


@router.get("/compare", response_model=schemas.Comparison, responses=errors(JobNotFound))
def compare_jobs(job_ids: JobIds, services: ServicesDependency) -> Response:
    """The epochs of several trainings side by side, how each ended, and where their specs differ."""
    found = compare(services.sessions, job_ids)
    items = [_render(job, found.epochs[job.id]) for job in found.jobs]
    return json_response({"items": items, "differences": found.differences})


@router.get("/compare.svg", response_class=Response, responses=sends("image/svg+xml") | errors(JobNotFound))
async def draw_comparison_svg(
    job_ids: JobIds,
    request: Request,
    services: ServicesDependency,
    scale: LossScale = None,
    theme: Theme = "light",
) -> Response:
    """The curves of several trainings in one figure."""
    newest = await run_in_threadpool(newest_events, services.sessions, job_ids)
    for job_id in job_ids:
        if job_id not in newest:
            raise job_not_found(job_id)
    seen = [(job_id, newest[job_id][0]) for job_id in job_ids]  # whatever changes a curve adds an event
    key = ("compare", *seen, scale, theme)

    def draw() -> bytes:
        return render(_draw(services, job_ids, scale or "log"), "svg", theme=theme)

    svg = await services.figures.get(key, draw, disconnect_check(request.receive))
    return Response(svg, media_type="image/svg+xml")


def _draw(services: Services, job_ids: list[str], scale: Scale) -> Draw:
    found = compare(services.sessions, job_ids)
    title = counted(len(job_ids), "training")
    curves = {_label(job, found): found.epochs[job.id] for job in found.jobs if found.epochs[job.id]}
    if not curves:
        return partial(draw_message, title, "No epoch of any of them is done yet.")
    return partial(draw_comparison, curves, title=title, scale=scale)


def _label(job: Job, found: Comparison) -> str:
    """What tells this run from the others: its name or recipe, its version, up to three fields in which it differs."""
    place = found.jobs.index(job)
    name = job.name or f"{job.spec['recipe']} on {job.spec['dataset']}"
    version = (job.result or {}).get("model_version")
    said = [f"{place + 1}: {name}", *([f"version {version}"] if version else [])]
    different = {field: values[place] for field, values in found.differences.items()}
    if not job.name:
        different = {field: value for field, value in different.items() if field not in ("recipe", "dataset")}
    said += [f"{field.replace('_', ' ')} {_shorten(value)}" for field, value in list(different.items())[:3]]
    return ", ".join(said).replace("$", r"\$")  # or matplotlib would read what is between two of them as a formula


def _shorten(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)


def _render(job: Job, epochs: list[dict[str, Any]]) -> dict[str, Any]:
    accuracies = [epoch["validation_accuracy"] for epoch in epochs if "validation_accuracy" in epoch]
    result = job.result or {}
    return {
        "id": job.id,
        "name": job.name,
        "tags": job.spec.get("tags", []),
        "status": job.status,
        "recipe": job.spec["recipe"],
        "seed": job.spec["seed"],
        "epochs": epochs,
        "best_validation_accuracy": max(accuracies, default=None),
        "test_accuracy": result["test"]["accuracy"] if "test" in result else None,
        "model_version": result.get("model_version"),
        "seconds": result.get("seconds"),
    }
