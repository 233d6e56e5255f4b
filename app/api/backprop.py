"""/v1/backprop: the derivation of one step of backpropagation as data, as a page and as a diagram."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BeforeValidator, Field, ValidationError

from app.api.accept import prefers
from app.api.dependencies import ServicesDependency
from app.api.documented_errors import errors
from app.api.json_route import JsonRoute
from app.api.path_parameters import as_job_id
from app.api.responses import json_response
from app.api.schemas import backprop as schemas
from app.api.schemas.media import sends
from app.api.security_headers import PAGE_POLICY
from app.errors import InvalidInput, JobNotFound
from app.jobs.lifecycle import KINDS
from app.jobs.queries import read_spec
from app.jobs.specs.backprop import BackpropSweepSpec
from app.jobs.specs.network import NetworkFields
from app.jobs.specs.network_fields import WORKBOOK_WEIGHTS, EightWeights, Finite, LearningRate, Share, exactly
from app.jobs.specs.options import NamedFields
from app.jobs.specs.trace import TraceSpec, require_explainable
from app.server.disconnects import disconnect_check
from app.services import Services
from app.validation_messages import describe
from models.backprop.derivation import diagram, page
from models.backprop.derivation.general import derive_step
from models.backprop.sweeps.replay import MAX_STEPS, is_affordable, replay
from models.backprop.sweeps.summary import describe_targets
from models.backprop.sweeps.task import Task
from models.figures.figure import ThemeName, render
from models.wording import counted

router = APIRouter(prefix="/v1/backprop", tags=["backprop"], route_class=JsonRoute)

JSON, MARKDOWN, HTML = "application/json", "text/markdown", "text/html"
MAX_NAMED = 6  # learning rates in a message
PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY}


def _parse_numbers(value: Any) -> Any:
    """Returns the numbers of a query, separated by commas or repeated. Other values are left for pydantic to refuse."""
    parts = value[0].split(",") if isinstance(value, list) and len(value) == 1 else value
    try:
        return [float(part) for part in parts] if isinstance(parts, list) else float(parts)
    except (TypeError, ValueError):
        return value


class StepQuery(NamedFields):
    """The fields of one step on the workbook's network; the numbers of a list are separated by commas."""

    inputs: Annotated[tuple[Finite, Finite], exactly(2), BeforeValidator(_parse_numbers)] = (0.05, 0.10)
    targets: Annotated[tuple[Share, Share], exactly(2), BeforeValidator(_parse_numbers)] = (0.5, 0.5)
    weights: Annotated[EightWeights, BeforeValidator(_parse_numbers)] = Field(WORKBOOK_WEIGHTS, description="w1 to w8")
    learning_rate: Annotated[LearningRate, BeforeValidator(_parse_numbers)] = 0.5

    def to_query(self) -> str:
        values = self.model_dump(exclude_unset=True)
        return urlencode(
            {
                name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                for name, value in values.items()
            }
        )


class TraceQuery(StepQuery):
    """The same, or a step of a sweep."""

    job: Annotated[str, Field(max_length=40)] | None = Field(None, description="a sweep, one of whose steps it is")
    epoch: int = Field(0, ge=0, description="of that sweep: how many epochs are done before the step")

    def to_spec(self) -> TraceSpec:
        try:
            return TraceSpec.model_validate(self.model_dump(exclude_unset=True))
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(
                _sentence(describe(first)), location=".".join(["query", *map(str, first["loc"])])
            ) from None


class PictureQuery(StepQuery):
    """The step of a diagram, and the colours."""

    theme: ThemeName = "light"


QueryDependency = Annotated[TraceQuery, Query()]


class Derived(NamedTuple):
    """A derivation, and what there is to say in front of it."""

    trace: dict[str, Any]
    introduction: str


@router.post(
    "/trace",
    response_model=schemas.Trace | schemas.NetworkTrace,
    responses=sends(MARKDOWN, HTML) | errors(JobNotFound),
)
async def trace_step(
    spec: TraceSpec,
    request: Request,
    services: ServicesDependency,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Forward pass, errors, gradients and updated weights of one step, with every line of the derivation.

    Of any small network, with any of the optimizers; or of a sweep that was done, at any of its epochs (`job`,
    `learning_rate`, `epoch`). `Accept: text/markdown` or `text/html` answers with it as a page.
    """
    if prefers(accept, MARKDOWN):
        return await _answer(services, request, spec, MARKDOWN, _write_markdown)
    if accept.lower().startswith(HTML):
        return await _answer(services, request, spec, HTML, _write_html)
    return await _answer(services, request, spec, JSON, _write_json)


@router.get("/trace.md", response_class=Response, responses=sends(MARKDOWN) | errors(JobNotFound))
async def trace_step_markdown(query: QueryDependency, request: Request, services: ServicesDependency) -> Response:
    """One step, derived, as a Markdown page."""
    spec, picture = query.to_spec(), f"trace.svg?{query.to_query()}"
    if query.job is not None:
        return await _answer(services, request, spec, MARKDOWN, _write_markdown)
    return await _answer(services, request, spec, MARKDOWN, partial(_write_workbook, query, picture), picture)


@router.get("/trace.html", response_class=Response, responses=sends(HTML) | errors(JobNotFound))
async def trace_step_html(query: QueryDependency, request: Request, services: ServicesDependency) -> Response:
    """One step, derived, as a page whose formulas are set by KaTeX."""
    return await _answer(services, request, query.to_spec(), HTML, _write_html)


@router.get("/trace.svg", response_class=Response, responses=sends("image/svg+xml"))
async def draw_step_svg(
    query: Annotated[PictureQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """A diagram of the network with its weights, activations and gradients."""
    key, is_disconnected = ("trace", query.model_dump_json()), disconnect_check(request.receive)
    svg = await services.figures.get(key, lambda: _draw_trace(query), is_disconnected)
    return Response(svg, media_type="image/svg+xml")


def _draw_trace(query: PictureQuery) -> bytes:
    task = TraceSpec(inputs=list(query.inputs), targets=list(query.targets), weights=query.weights).to_task()
    trace = derive_step(task, task.start, query.learning_rate)
    draw = partial(diagram.draw, trace, weights=query.weights, inputs=query.inputs, targets=query.targets)
    return render(draw, "svg", theme=query.theme)


def _write_json(derived: Derived) -> bytes:
    return bytes(json_response(derived.trace).body)


def _write_markdown(derived: Derived) -> bytes:
    return page.render_general(*derived).encode()


def _write_workbook(query: TraceQuery, picture: str, derived: Derived) -> bytes:
    rate = query.learning_rate
    text = page.render(derived.trace, inputs=query.inputs, targets=query.targets, learning_rate=rate, picture=picture)
    return text.encode()


def _write_html(derived: Derived) -> bytes:
    return page.render_html(*derived).encode()


async def _answer(
    services: Services,
    request: Request,
    spec: TraceSpec,
    media_type: str,
    write: Callable[[Derived], bytes],
    picture: str = "",
) -> Response:
    """Derives the step and writes it where figures are drawn: to take a sweep's steps again takes a second, too.

    `picture` is what the answer depends on beside its media type and the spec. Raises JobNotFound, InvalidInput.
    """
    derive, part = partial(_derive_step, spec), "body" if request.method == "POST" else "query"
    if spec.job is not None:
        stored = await run_in_threadpool(_read_sweep, services, spec.job, part)
        if "learning_rate" not in spec.model_fields_set:
            spec = spec.model_copy(update={"learning_rate": _choose_rate(stored["learning_rates"], spec, part)})
        derive = partial(_derive_step_of_sweep, stored, spec, part)
    key = ("derivation", media_type, picture, part, spec.model_dump_json())
    content = await services.figures.get(key, lambda: write(derive()), disconnect_check(request.receive))
    return Response(content, media_type=media_type, headers=PAGE_HEADERS if media_type == HTML else None)


def _derive_step(spec: TraceSpec) -> Derived:
    task, rate = spec.to_task(), spec.learning_rate
    notes = describe_targets(task)
    batch = task.batches(1)[0]
    trace = derive_step(batch, task.start, rate)
    introduction = f"The step of a {_shape(spec)} network at learning rate {rate:g}."
    return Derived(trace | {"notes": notes}, " ".join([introduction, _describe_samples(batch, trace), *notes]))


def _read_sweep(services: Services, job_id: str, part: str) -> dict[str, Any]:
    """Returns the spec of the job. Raises JobNotFound; InvalidInput, about a field of this part of the request."""
    kind, spec = read_spec(services.sessions, as_job_id(job_id))
    if kind != "backprop_sweep":
        raise InvalidInput(
            f"Job {job_id} is a {KINDS[kind]}; only the steps of a sweep are derived.", location=f"{part}.job"
        )
    return spec


def _choose_rate(rates: list[float], spec: TraceSpec, part: str) -> float:
    """The only learning rate of a sweep, or the default if it is one of them. Raises InvalidInput."""
    if len(rates) == 1:
        return rates[0]
    if spec.learning_rate in rates:
        return spec.learning_rate
    shown = ", ".join(f"{rate:.12g}" for rate in rates[:MAX_NAMED]) + (", ..." if len(rates) > MAX_NAMED else "")
    raise InvalidInput(f"Name one of the sweep's learning rates: {shown}.", location=f"{part}.learning_rate")


def _derive_step_of_sweep(stored: dict[str, Any], spec: TraceSpec, part: str) -> Derived:
    """Raises InvalidInput."""
    sweep = BackpropSweepSpec.model_validate(stored)
    _require_step(sweep, spec, part)
    task = sweep.to_task()
    replayed = replay(task, spec.learning_rate, epochs=spec.epoch, early_stopping=sweep.early_stopping)
    if replayed.stopped_at is not None:
        raise InvalidInput(
            f"The sweep stops the training at learning rate {spec.learning_rate:g} early, after "
            f"{counted(replayed.stopped_at, 'epoch')}; a step of it begins after fewer.",
            location=f"{part}.epoch",
        )
    batches = task.batches(spec.epoch + 1)
    which = f"the first of the {len(batches)} steps of " if len(batches) > 1 else "the step of "
    introduction = (
        f"Sweep {spec.job}, a {_shape(sweep)} network at learning rate {spec.learning_rate:g}: {which}"
        f"epoch {spec.epoch + 1} of {sweep.epochs}."
    )
    trace = derive_step(batches[0], replayed.parameters, spec.learning_rate, optimizer=replayed.optimizer)
    notes = [introduction, *describe_targets(task)]
    return Derived(trace | {"notes": notes}, f"{introduction} {_describe_samples(batches[0], trace)}")


def _require_step(sweep: BackpropSweepSpec, spec: TraceSpec, part: str) -> None:
    """Raise InvalidInput unless the sweep has this step, and it can be derived."""
    if spec.learning_rate not in sweep.learning_rates:
        nearest = min(sweep.learning_rates, key=lambda rate: abs(rate - spec.learning_rate))
        raise InvalidInput(
            f"The sweep has no learning rate {spec.learning_rate:.12g}; the nearest is {nearest:.12g}.",
            location=f"{part}.learning_rate",
        )
    if spec.epoch >= sweep.epochs:
        raise InvalidInput(
            f"The sweep has {counted(sweep.epochs, 'epoch')}, so `epoch` is at most {sweep.epochs - 1:,}.",
            location=f"{part}.epoch",
        )
    if not is_affordable(sweep.to_task(), spec.epoch):
        raise InvalidInput(
            f"The steps before it would be taken again, at most {MAX_STEPS:,} of a small network; ask for an earlier "
            "epoch.",
            location=f"{part}.epoch",
        )
    try:
        require_explainable(sweep)
    except ValueError as error:
        raise InvalidInput(_sentence(str(error)), location=f"{part}.job") from None


def _describe_samples(task: Task, trace: dict[str, Any]) -> str:
    return page.describe_samples(task.inputs.tolist(), task.targets.tolist(), trace["errors"]["E_total"])


def _shape(network: NetworkFields) -> str:
    return "-".join(map(str, network.layers))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
