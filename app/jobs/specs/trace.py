"""The spec of a trace."""

from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, model_validator

from app.jobs.specs.backprop import MAX_EPOCHS, BackpropSweepSpec
from app.jobs.specs.network_fields import (
    MAX_LAYERS,
    MAX_SAMPLES,
    MAX_UNITS,
    WORKBOOK_LAYERS,
    WORKBOOK_WEIGHTS,
    Constant,
    LearningRate,
    Row,
    Samples,
    Weights,
)
from app.jobs.specs.numbers import WHOLE, Number, WholeNumber
from app.jobs.specs.options import NamedFields
from models.backprop.derivation.general import count_steps
from models.backprop.sweeps.optimizers import OptimizerName
from models.backprop.sweeps.task import Activation, Loss

MAX_STEPS = 3_000  # lines of a derivation: a megabyte
OF_A_STEP = ("learning_rate", "job", "epoch")


class TraceSpec(NamedFields):
    """One step on a small network, the workbook's 2-2-2 network by default; or a step of a sweep that was done."""

    layers: Annotated[list[Annotated[int, Field(ge=1, le=MAX_UNITS), WHOLE]], Field(fail_fast=True)] = Field(
        list(WORKBOOK_LAYERS), min_length=2, max_length=MAX_LAYERS, description="units of each layer, the inputs first"
    )
    activation: Activation = Field("sigmoid", description="of every layer except the inputs")
    loss: Loss = Field("squared_error", description="cross_entropy: with a softmax at the outputs")
    biases: StrictBool | Annotated[list[Row], Field(max_length=MAX_LAYERS - 1, fail_fast=True)] = Field(
        False, description="true: zero; or the biases of each layer except the inputs"
    )
    inputs: Samples = Field([0.05, 0.10], description="one sample, or a list of samples")
    targets: Samples = Field([0.5, 0.5], description="as many samples as `inputs`")
    seed: WholeNumber = Field(0, ge=0, lt=2**31)
    weights: Weights | None = Field(
        WORKBOOK_WEIGHTS, description="w1 to w8, or a matrix (units x inputs) per layer; null: drawn from `seed`"
    )
    optimizer: OptimizerName = Field("gradient_descent", description="the rule of the step")
    momentum: Constant = 0.9
    beta1: Constant = 0.9
    beta2: Constant = 0.999
    epsilon: Number = Field(1e-8, gt=0, le=1, allow_inf_nan=False)
    batch_size: Annotated[int, Field(ge=1, le=MAX_SAMPLES), WHOLE] | None = Field(
        None, description="samples of a step, in an order drawn from `seed`; null: all"
    )
    learning_rate: LearningRate = 0.5
    job: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="a sweep: the step is one of its, and the network is its own, so no other field is given"
    )
    epoch: Annotated[int, Field(ge=0, le=MAX_EPOCHS), WHOLE] = Field(
        0, description="of that sweep: how many epochs are done before the step"
    )

    @cached_property
    def sweep(self) -> BackpropSweepSpec:
        """The sweep of one epoch that begins with this step."""
        given = {name: getattr(self, name) for name in self.model_fields_set if name not in OF_A_STEP}
        rates: dict[str, Any] = {"learning_rates": [self.learning_rate], "epochs": 1}
        return BackpropSweepSpec.model_validate({"kind": "backprop_sweep"} | given | rates)

    @model_validator(mode="after")
    def _require_one_network(self) -> Self:
        if self.job is not None:
            if other := sorted(self.model_fields_set - set(OF_A_STEP)):
                raise ValueError(f"the sweep says what the network is: leave out {', '.join(other)}")
        else:
            if self.epoch:
                raise ValueError("epoch needs the job whose epoch it is")
            require_explainable(self.sweep)
        return self


def require_explainable(spec: BackpropSweepSpec) -> None:
    """Raise ValueError for a network whose derivation nobody could read."""
    lines = count_steps(spec.to_task().batches(1)[0])
    if lines > MAX_STEPS:
        raise ValueError(
            f"the derivation would have {lines:,} lines, at most {MAX_STEPS:,} are written: take fewer units or samples"
        )
