"""/v1/backprop: the derivation of one step of backpropagation as data, as a page and as a diagram."""

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from app.api.dependencies import ServicesDependency
from app.api.json_route import JsonRoute
from app.api.schemas import backprop as schemas
from app.jobs.specs.network_fields import EightWeights, Finite, LearningRate, Probability
from app.jobs.specs.trace import TraceSpec
from app.server.disconnects import disconnect_check
from models.backprop.derivation import diagram, page, steps
from models.figures.figure import ThemeName, render

router = APIRouter(prefix="/v1/backprop", tags=["backprop"], route_class=JsonRoute)


def _parse_numbers(value: Any) -> Any:
    """Returns the numbers of a query, separated by commas or repeated. Other values are left for pydantic to refuse."""
    parts = value[0].split(",") if isinstance(value, list) and len(value) == 1 else value
    try:
        return [float(part) for part in parts] if isinstance(parts, list) else float(parts)
    except (TypeError, ValueError):
        return value


class TraceQuery(TraceSpec):
    """The fields of a TraceSpec in a query string; the numbers of a list are separated by commas."""

    inputs: Annotated[tuple[Finite, Finite], BeforeValidator(_parse_numbers)] = TraceSpec.model_fields["inputs"].default
    targets: Annotated[tuple[Probability, Probability], BeforeValidator(_parse_numbers)] = TraceSpec.model_fields[
        "targets"
    ].default
    weights: Annotated[EightWeights, BeforeValidator(_parse_numbers)] = TraceSpec.model_fields["weights"].default
    learning_rate: Annotated[LearningRate, BeforeValidator(_parse_numbers)] = TraceSpec.model_fields[
        "learning_rate"
    ].default


class PictureQuery(TraceQuery):
    """The same, and the colours."""

    theme: ThemeName = "light"


QueryDependency = Annotated[TraceQuery, Query()]


@router.post("/trace", response_model=schemas.Trace)
def trace(spec: TraceSpec) -> dict[str, Any]:
    """Forward pass, errors, gradients and updated weights of one step, with every line of the derivation."""
    return _trace(spec)


@router.get("/trace.md", response_class=Response, responses={200: {"content": {"text/markdown": {}}}})
def trace_page(query: QueryDependency) -> Response:
    """The same as a Markdown page."""
    picture = f"trace.svg?{urlencode(_to_query(query))}"
    text = page.render(
        _trace(query), inputs=query.inputs, targets=query.targets, learning_rate=query.learning_rate, picture=picture
    )
    return Response(text, media_type="text/markdown")


@router.get("/trace.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
async def trace_picture(
    query: Annotated[PictureQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """A diagram of the network with its weights, activations and gradients."""
    key, is_disconnected = ("trace", query.model_dump_json()), disconnect_check(request.receive)
    svg = await services.figures.get(key, lambda: _draw_trace(query), is_disconnected)
    return Response(svg, media_type="image/svg+xml")


def _draw_trace(query: PictureQuery) -> bytes:
    traced = _trace(query)
    draw = partial(diagram.draw, traced, weights=query.weights, inputs=query.inputs, targets=query.targets)
    return render(draw, "svg", theme=query.theme)


def _trace(spec: TraceSpec) -> dict[str, Any]:
    return steps.trace(spec.weights, spec.inputs, spec.targets, spec.learning_rate)


def _to_query(query: TraceQuery) -> dict[str, str]:
    values = query.model_dump(exclude_unset=True)
    return {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value) for name, value in values.items()
    }
