"""/v1/jobs/{id}/plot.svg, plot.png, curves, curves.npz and hardest.png: what a job made, as figures and as data."""

from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.dependencies import ServicesDependency
from app.api.documented_errors import errors
from app.api.downloads import Content, Download, join_pieces, open_artifact
from app.api.figure_parameters import LossScale, Theme
from app.api.path_parameters import JobId
from app.api.schemas.media import sends
from app.errors import CurvesNotThere, JobNotFound, PicturesNotThere
from app.jobs import queries, service
from app.jobs.events import event_data, newest_events
from app.jobs.lifecycle import in_words
from app.jobs.searches import read_search
from app.jobs.tables import Job
from app.jobs.transitions import job_not_found
from app.registry.service import HARDEST_FILE, find_file_of_job
from app.server.disconnects import disconnect_check
from app.services import Services
from app.storage import open_local
from models.backprop import plots
from models.backprop.sweeps.curve_files import npz_to_csv, to_csv, to_npz
from models.figures.figure import Draw, Format, Scale, ThemeName, draw_message, render
from models.figures.searches import draw_history
from models.figures.training_curves import draw_training
from models.wording import counted

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

View = Annotated[
    Literal["curves", "panels"], Query(description="of a sweep: all curves in one figure, or a panel per learning rate")
]
Axis = Annotated[
    Literal["shared", "free"], Query(description="of the losses in panels: one for all, or one for each panel")
]


class PlotQuery(NamedTuple):
    """How a figure is to look."""

    view: str
    scale: Scale | None
    axis: str
    theme: ThemeName


def read_plot_query(
    view: View = "curves", scale: LossScale = None, axis: Axis = "shared", theme: Theme = "light"
) -> PlotQuery:
    return PlotQuery(view, scale, axis, theme)


PlotQueryDependency = Annotated[PlotQuery, Depends(read_plot_query)]


@router.get("/{job_id}/plot.svg", response_class=Response, responses=sends("image/svg+xml") | errors(JobNotFound))
async def draw_job_svg(
    job_id: JobId, query: PlotQueryDependency, request: Request, services: ServicesDependency
) -> Response:
    """The loss curves of the job so far."""
    return Response(await _plot(services, request, job_id, query, "svg"), media_type="image/svg+xml")


@router.get("/{job_id}/plot.png", response_class=Response, responses=sends("image/png") | errors(JobNotFound))
async def draw_job_png(
    job_id: JobId, query: PlotQueryDependency, request: Request, services: ServicesDependency
) -> Response:
    """The loss curves of the job so far."""
    return Response(await _plot(services, request, job_id, query, "png"), media_type="image/png")


@router.get(
    "/{job_id}/curves",
    response_class=Response,
    responses=sends("text/csv") | errors(JobNotFound, CurvesNotThere),
)
async def get_curves_csv(job_id: JobId, services: ServicesDependency) -> Response:
    """Every point of the loss curves of a finished sweep: a line per epoch, a column per learning rate."""
    return Download(services.downloads, lambda: _open_csv(services, job_id), media_type="text/csv")


@router.get(
    "/{job_id}/curves.npz",
    response_class=Response,
    responses=sends("application/zip") | errors(JobNotFound, CurvesNotThere),
)
async def get_curves_npz(job_id: JobId, services: ServicesDependency) -> Response:
    """The curves for NumPy: `learning_rates`, `losses`, `gradient_norms` (rates, epochs + 1); NaN after an end."""
    return Download(services.downloads, lambda: _open_npz(services, job_id), media_type="application/zip")


@router.get(
    "/{job_id}/hardest.png",
    response_class=Response,
    responses=sends("image/png") | errors(JobNotFound, PicturesNotThere),
)
def draw_hardest(job_id: JobId, services: ServicesDependency) -> Response:
    """The test pictures that the network of a finished training finds hardest, with labels and probabilities."""
    sheet = find_file_of_job(services.sessions, job_id, HARDEST_FILE)
    if sheet is None:
        job = service.get(services.sessions, job_id)
        raise PicturesNotThere(
            f"Job {job_id} is a {in_words(job.kind, job.status)}; only a training that has succeeded has pictures, as "
            "long as its model version is there."
        )
    content = partial(open_artifact, services.storage, sheet.name, sha256=sheet.sha256)
    return Download(services.downloads, content, media_type="image/png", size=sheet.size)


async def _plot(services: Services, request: Request, job_id: str, query: PlotQuery, picture_format: Format) -> bytes:
    found = await run_in_threadpool(newest_events, services.sessions, [job_id])
    if job_id not in found:
        raise job_not_found(job_id)
    newest, _ = found[job_id]  # whatever changes the figure adds an event
    key = ("plot", job_id, newest, query, picture_format)
    figure = partial(_render_plot, services, job_id, query, picture_format)
    return await services.figures.get(key, figure, disconnect_check(request.receive))


def _render_plot(services: Services, job_id: str, query: PlotQuery, picture_format: Format) -> bytes:
    job = service.get(services.sessions, job_id)
    return render(DRAWINGS[job.kind](services, job, query), picture_format, theme=query.theme)


def _draw_training(services: Services, job: Job, query: PlotQuery) -> Draw:
    epochs = event_data(services.sessions, job.id, "epoch")
    done = counted(len(epochs), "epoch")
    if job.kind != "reproduction":
        done = f"{len(epochs)} of {counted(job.spec['epochs'], 'epoch')}"
    title = f"{_name_training(job)}, {done} ({job.status})"
    if not epochs:
        return partial(draw_message, title, "No epoch is done yet.")
    return partial(draw_training, epochs, title=title, scale=query.scale or "linear")


def _name_training(job: Job) -> str:
    if job.kind == "reproduction":
        return f"Version {job.spec['version']} trained again"
    version = (job.result or {}).get("model_version")
    named = f": {job.name}" if job.name else ""
    made = f", version {version}" if version else ""
    return f"{job.spec['recipe']} on {job.spec['dataset']}{named}{made}"


def _draw_sweep(services: Services, job: Job, query: PlotQuery) -> Draw:
    title = f"Loss by learning rate, {'-'.join(map(str, job.spec.get('layers', [2, 2, 2])))} network"
    if job.result is None:
        return partial(draw_message, title, _describe_progress(services, job))
    trials, scale = job.result["trials"], query.scale
    if query.view == "curves":
        return partial(plots.draw_curves, trials, title=title, scale=scale)
    is_shared = query.axis == "shared"
    return partial(plots.draw_panels, trials, title=title, scale=scale or "linear", is_shared=is_shared)


def _draw_search(services: Services, job: Job, _: PlotQuery) -> Draw:
    search, trials = read_search(services.sessions, job.id)
    values = [(trial.number, trial.value, trial.status == "pruned") for trial in trials if trial.value is not None]
    title = f"Search, {len(values)} of {counted(search.spec['trials'], 'trial')} ({search.status})"
    if not values:
        return partial(draw_message, title, "No trial has come to its end yet.")
    return partial(draw_history, values, title=title)


DRAWINGS = {  # the figure of each kind of job
    "backprop_sweep": _draw_sweep,
    "mnist_training": _draw_training,
    "reproduction": _draw_training,
    "training_search": _draw_search,
}


def _describe_progress(services: Services, job: Job) -> str:
    done = len(event_data(services.sessions, job.id, "trial"))
    return f"The sweep is {job.status}; {done} of {counted(len(job.spec['learning_rates']), 'learning rate')} done."


def _open_npz(services: Services, job_id: str) -> Content:
    if curves := queries.find_curves(services.sessions, job_id):
        return open_artifact(services.storage, curves.name, sha256=curves.sha256)
    content = to_npz(**_read_arrays(services, job_id))
    return Content(iter([content]), len(content))


def _open_csv(services: Services, job_id: str) -> Content:
    if curves := queries.find_curves(services.sessions, job_id):
        scratch = services.settings.data_dir
        file = open_local(services.storage, curves.name, sha256=curves.sha256, scratch=scratch)
        return Content(join_pieces(npz_to_csv(file)), source=file)
    arrays = _read_arrays(services, job_id)
    return Content(join_pieces(to_csv(arrays["learning_rates"], arrays["losses"])))


def _read_arrays(services: Services, job_id: str) -> dict[str, Any]:
    """Returns the curves of a job whose result holds all their points."""
    trials = (service.get(services.sessions, job_id).result or {})["trials"]
    return {
        "learning_rates": np.array([trial["learning_rate"] for trial in trials]),
        "losses": _pad_with_nan([trial["loss"] for trial in trials]),
        "gradient_norms": _pad_with_nan([trial.get("gradient_norms", []) for trial in trials]),
    }


def _pad_with_nan(curves: list[list[float | None]]) -> Any:
    """Returns curves of different lengths as one array (curves, longest), with NaN after the end of each."""
    length = max(map(len, curves))
    return np.array([curve + [None] * (length - len(curve)) for curve in curves], np.float64)
