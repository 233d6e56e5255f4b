"""What a client may ask for, one file per kind of job. Bounds and defaults live here: a spec that exists is valid."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.jobs.specs.backprop import BackpropSweepSpec
from app.jobs.specs.reproduction import ReproductionSpec
from app.jobs.specs.search import SEARCH_QUEUE, TrainingSearchSpec
from app.jobs.specs.training import CPU_QUEUE, CUDA_QUEUE, MnistTrainingSpec
from app.validation_messages import nearest

__all__ = [
    "QUEUES",
    "BackpropSweepSpec",
    "JobKind",
    "JobSpec",
    "MnistTrainingSpec",
    "ReproductionSpec",
    "TrainingSearchSpec",
    "job_spec_adapter",
]

JobKind = Literal["backprop_sweep", "mnist_training", "reproduction", "training_search"]
KINDS: tuple[JobKind, ...] = get_args(JobKind)


def _require_kind(value: Any) -> Any:
    """Says what is wrong with `kind`: pydantic shows it as Python writes it, and where it is missing names no kind."""
    if isinstance(value, dict) and value.get("kind") not in KINDS:
        raise ValidationError.from_exception_data("JobSpec", [_describe_kind(value)])
    return value


def _describe_kind(value: dict[str, Any]) -> InitErrorDetails:
    expected = ", ".join(KINDS)
    if "kind" in value:
        return InitErrorDetails(type="literal_error", loc=("kind",), input=value["kind"], ctx={"expected": expected})
    kind, field, hint = "missing", "kind", f"there are {expected}"
    for name in value:
        if nearest(name, ["kind"]):
            kind, field, hint = "extra_forbidden", name, "do you mean 'kind'?"
    return InitErrorDetails(type=PydanticCustomError(kind, "{hint}", {"hint": hint}), loc=(field,), input=value)


JobSpec = Annotated[
    BackpropSweepSpec | MnistTrainingSpec | ReproductionSpec | TrainingSearchSpec,
    Discriminator("kind"),  # not Field: FastAPI would take that out, and with it the order of the two
    BeforeValidator(_require_kind),
]
QUEUES = ("sweeps", SEARCH_QUEUE, CPU_QUEUE, CUDA_QUEUE)
job_spec_adapter: TypeAdapter[BackpropSweepSpec | MnistTrainingSpec | ReproductionSpec | TrainingSearchSpec] = (
    TypeAdapter(JobSpec)
)
