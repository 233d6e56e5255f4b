"""/v1/jobs/{id}/plot.svg, plot.png, curves and curves.npz: the curves of a job as figures and as data."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from app.api.dependencies import ServicesDependency
from app.api.path_parameters import JobId
from app.errors import CurvesNotThere
from app.jobs import service
from app.jobs.events import event_data
from app.jobs.tables import Job
from app.services import Services
from models.backprop import plots
from models.backprop.sweeps.curve_files import from_npz, to_csv, to_npz
from models.figures.figure import Format, draw_message, render
from models.figures.training_curves import draw_training

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

View = Annotated[
    Literal["curves", "panels"], Query(description="of a sweep: all curves in one figure, or a panel per learning rate")
]


@router.get("/{job_id}/plot.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def plot_svg(job_id: JobId, services: ServicesDependency, view: View = "curves") -> Response:
    """The loss curves of the job so far."""
    return Response(_render_plot(services, job_id, view, "svg"), media_type="image/svg+xml")


@router.get("/{job_id}/plot.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def plot_png(job_id: JobId, services: ServicesDependency, view: View = "curves") -> Response:
    """The loss curves of the job so far."""
    return Response(_render_plot(services, job_id, view, "png"), media_type="image/png")


@router.get("/{job_id}/curves", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def curves_csv(job_id: JobId, services: ServicesDependency) -> StreamingResponse:
    """Every point of the loss curves of a finished sweep: a line per epoch, a column per learning rate."""
    arrays = _read_arrays(services, service.get(services.sessions, job_id))
    lines = to_csv(arrays["learning_rates"], arrays["losses"])
    return StreamingResponse(_join_lines(lines), media_type="text/csv")


@router.get("/{job_id}/curves.npz", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def curves_npz(job_id: JobId, services: ServicesDependency) -> Response:
    """The same for NumPy: `learning_rates`; `losses`, `gradient_norms` (rates, epochs + 1), NaN after a curve's end."""
    job = service.get(services.sessions, job_id)
    stored = _read_stored_curves(services, job)
    content = to_npz(**_read_arrays(services, job)) if stored is None else stored
    return Response(content, media_type="application/zip")


def _render_plot(services: Services, job_id: str, view: str, picture_format: Format) -> bytes:
    return render(_draw(services, service.get(services.sessions, job_id), view), picture_format)


def _draw(services: Services, job: Job, view: str) -> Any:
    if job.kind == "mnist_training":
        epochs = event_data(services.sessions, job.id, "epoch")
        title = f"Training, {len(epochs)} of {job.spec['epochs']} epochs ({job.status})"
        return draw_training(epochs, title=title) if epochs else draw_message(title, "No epoch is done yet.")
    title = f"Loss by learning rate, {'-'.join(map(str, job.spec.get('layers', [2, 2, 2])))} network"
    if job.result is None:
        return draw_message(title, _describe_progress(services, job))
    draw = plots.draw_curves if view == "curves" else plots.draw_panels
    return draw(job.result["trials"], title=title)


def _describe_progress(services: Services, job: Job) -> str:
    done = len(event_data(services.sessions, job.id, "trial"))
    return f"The sweep is {job.status}; {done} of {len(job.spec['learning_rates'])} learning rates are done."


def _read_arrays(services: Services, job: Job) -> dict[str, Any]:
    stored = _read_stored_curves(services, job)
    if stored is not None:
        return from_npz(stored)
    trials = _sweep_result(job)["trials"]
    return {
        "learning_rates": np.array([trial["learning_rate"] for trial in trials]),
        "losses": _pad_with_nan([trial["loss"] for trial in trials]),
        "gradient_norms": _pad_with_nan([trial.get("gradient_norms", []) for trial in trials]),
    }


def _read_stored_curves(services: Services, job: Job) -> bytes | None:
    """Returns the file of all points; None if the job's result holds them."""
    curves = _sweep_result(job).get("curves")
    if curves and not job.stored_bytes:
        raise CurvesNotThere(
            f"The curves of job {job.id} were removed because of their age (NUMERAL_CURVES_DAYS). Its result keeps the "
            "downsampled ones; the same spec gives the same curves again."
        )
    return services.storage.get(curves["artifact"], sha256=curves["sha256"]) if curves else None


def _sweep_result(job: Job) -> dict[str, Any]:
    if job.kind != "backprop_sweep" or job.result is None:
        raise CurvesNotThere(
            f"Job {job.id} is a {job.kind} that is {job.status}; only a sweep that has succeeded has curves."
        )
    return job.result


def _pad_with_nan(curves: list[list[float | None]]) -> Any:
    """Returns curves of different lengths as one array (curves, longest), with NaN after the end of each."""
    length = max(map(len, curves))
    return np.array([curve + [None] * (length - len(curve)) for curve in curves], np.float64)


def _join_lines(lines: Iterator[str], *, size: int = 1 << 16) -> Iterator[str]:
    """Yields the lines in chunks of at least `size` characters: the server changes threads for each chunk."""
    chunk: list[str] = []
    length = 0
    for line in lines:
        chunk.append(line)
        length += len(line)
        if length >= size:
            yield "".join(chunk)
            chunk, length = [], 0
    yield "".join(chunk)
