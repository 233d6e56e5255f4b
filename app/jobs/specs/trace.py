"""The spec of a trace."""

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.jobs.specs.backprop import MAX_EPOCHS
from app.jobs.specs.network import NetworkFields
from app.jobs.specs.network_fields import LearningRate
from app.jobs.specs.numbers import WHOLE
from models.backprop.derivation.general import count_steps

MAX_STEPS = 3_000  # lines of a derivation: a megabyte
OF_A_STEP = {"learning_rate", "job", "epoch"}


class TraceSpec(NetworkFields):
    """One step on a small network, the workbook's 2-2-2 network by default; or a step of a sweep that was done."""

    learning_rate: LearningRate = 0.5
    job: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="a sweep: the step is one of its, and the network is its own, so no other field is given"
    )
    epoch: Annotated[int, Field(ge=0, le=MAX_EPOCHS), WHOLE] = Field(
        0, description="of that sweep: how many epochs are done before the step"
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_network_of_a_job(cls, values: Any) -> Any:
        is_of_a_job = isinstance(values, dict) and values.get("job") is not None
        if is_of_a_job and (other := sorted(set(cls.model_fields).intersection(values) - OF_A_STEP)):
            refusal = PydanticCustomError("value_error", "the sweep says what the network is: leave this out")
            found = [InitErrorDetails(type=refusal, loc=(name,), input=values[name]) for name in other]
            raise ValidationError.from_exception_data(cls.__name__, found)  # at the fields, not at the whole
        return values

    @field_validator("epoch")
    @classmethod
    def _require_job(cls, epoch: int, info: ValidationInfo) -> int:
        if epoch and info.data.get("job", epoch) is None:
            raise ValueError("name the `job`, a sweep, whose epoch it is")
        return epoch

    @model_validator(mode="after")
    def _require_readable(self) -> Self:
        if self.job is None:
            require_explainable(self)
        return self


def require_explainable(network: NetworkFields) -> None:
    """Raise ValueError for a network whose derivation nobody could read."""
    lines = count_steps(network.to_task().batches(1)[0])
    if lines > MAX_STEPS:
        raise ValueError(
            f"the derivation would have {lines:,} lines, at most {MAX_STEPS:,} are written: take fewer units or samples"
        )
