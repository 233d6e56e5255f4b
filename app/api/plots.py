"""/v1/jobs/{id}/plot.svg, plot.png, curves, curves.npz and hardest.png: what a job made, as figures and as data."""

from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.dependencies import ServicesDependency
from app.api.downloads import Content, Download, join_pieces, open_artifact
from app.api.path_parameters import JobId
from app.errors import PicturesNotThere
from app.jobs import queries, service
from app.jobs.events import event_data, newest_events
from app.jobs.searches import read_search
from app.jobs.tables import Job
from app.jobs.transitions import job_not_found
from app.registry.service import HARDEST_FILE, find_file_of_job
from app.server.disconnects import disconnect_check
from app.services import Services
from app.storage import open_local
from models.backprop import plots
from models.backprop.sweeps.curve_files import npz_to_csv, to_csv, to_npz
from models.figures.figure import Format, draw_message, render
from models.figures.searches import draw_history
from models.figures.training_curves import draw_training

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

View = Annotated[
    Literal["curves", "panels"], Query(description="of a sweep: all curves in one figure, or a panel per learning rate")
]


@router.get("/{job_id}/plot.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
async def plot_svg(job_id: JobId, request: Request, services: ServicesDependency, view: View = "curves") -> Response:
    """The loss curves of the job so far."""
    return Response(await _plot(services, request, job_id, view, "svg"), media_type="image/svg+xml")


@router.get("/{job_id}/plot.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def plot_png(job_id: JobId, request: Request, services: ServicesDependency, view: View = "curves") -> Response:
    """The loss curves of the job so far."""
    return Response(await _plot(services, request, job_id, view, "png"), media_type="image/png")


@router.get("/{job_id}/curves", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def curves_csv(job_id: JobId, services: ServicesDependency) -> Response:
    """Every point of the loss curves of a finished sweep: a line per epoch, a column per learning rate."""
    return Download(services.downloads, lambda: _open_csv(services, job_id), media_type="text/csv")


@router.get("/{job_id}/curves.npz", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
async def curves_npz(job_id: JobId, services: ServicesDependency) -> Response:
    """The same for NumPy: `learning_rates`; `losses`, `gradient_norms` (rates, epochs + 1), NaN after a curve's end."""
    return Download(services.downloads, lambda: _open_npz(services, job_id), media_type="application/zip")


@router.get("/{job_id}/hardest.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def hardest_png(job_id: JobId, services: ServicesDependency) -> Response:
    """The test pictures that the network of a finished training finds hardest, with labels and probabilities."""
    sheet = find_file_of_job(services.sessions, job_id, HARDEST_FILE)
    if sheet is None:
        job = service.get(services.sessions, job_id)
        raise PicturesNotThere(
            f"Job {job_id} is a {job.kind} that is {job.status}; only a training that has succeeded has pictures, as "
            "long as its model version is there."
        )
    content = partial(open_artifact, services.storage, sheet.name, sha256=sheet.sha256)
    return Download(services.downloads, content, media_type="image/png", size=sheet.size)


async def _plot(services: Services, request: Request, job_id: str, view: str, picture_format: Format) -> bytes:
    found = await run_in_threadpool(newest_events, services.sessions, [job_id])
    if job_id not in found:
        raise job_not_found(job_id)
    newest, _ = found[job_id]  # whatever changes the figure adds an event
    key = ("plot", job_id, newest, view, picture_format)
    return await services.figures.get(
        key, lambda: _render_plot(services, job_id, view, picture_format), disconnect_check(request.receive)
    )


def _render_plot(services: Services, job_id: str, view: str, picture_format: Format) -> bytes:
    job = service.get(services.sessions, job_id)
    return render(DRAWINGS[job.kind](services, job, view), picture_format)


def _draw_training(services: Services, job: Job, _: str) -> Any:
    epochs = event_data(services.sessions, job.id, "epoch")
    if job.kind == "reproduction":
        title = f"Version {job.spec['version']} trained again, {len(epochs)} epochs ({job.status})"
    else:
        title = f"Training, {len(epochs)} of {job.spec['epochs']} epochs ({job.status})"
    return draw_training(epochs, title=title) if epochs else draw_message(title, "No epoch is done yet.")


def _draw_sweep(services: Services, job: Job, view: str) -> Any:
    title = f"Loss by learning rate, {'-'.join(map(str, job.spec.get('layers', [2, 2, 2])))} network"
    if job.result is None:
        return draw_message(title, _describe_progress(services, job))
    draw = plots.draw_curves if view == "curves" else plots.draw_panels
    return draw(job.result["trials"], title=title)


def _draw_search(services: Services, job: Job, _: str) -> Any:
    search, trials = read_search(services.sessions, job.id)
    values = [(trial.number, trial.value, trial.status == "pruned") for trial in trials if trial.value is not None]
    title = f"Search, {len(values)} of {search.spec['trials']} trials ({search.status})"
    return draw_history(values, title=title) if values else draw_message(title, "No trial has come to its end yet.")


DRAWINGS = {  # the figure of each kind of job
    "backprop_sweep": _draw_sweep,
    "mnist_training": _draw_training,
    "reproduction": _draw_training,
    "training_search": _draw_search,
}


def _describe_progress(services: Services, job: Job) -> str:
    done = len(event_data(services.sessions, job.id, "trial"))
    return f"The sweep is {job.status}; {done} of {len(job.spec['learning_rates'])} learning rates are done."


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
