"""The spec of a sweep over learning rates."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from app.errors import InvalidInput
from app.jobs.specs import sweep_checks
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
from app.jobs.specs.options import BaseSpec, NamedFields
from app.jobs.specs.sweep_checks import MAX_BATCHES, as_samples
from models.backprop.sweeps.descent import EarlyStopping
from models.backprop.sweeps.optimizers import OptimizerName, Rule
from models.backprop.sweeps.result_size import ResultSize
from models.backprop.sweeps.sweep import block_size
from models.backprop.sweeps.task import Activation, Loss, Task, count_parameters, draw_weights

MAX_LEARNING_RATES = 10_000
MAX_NUMBERS = 2 * MAX_SAMPLES * MAX_UNITS + (MAX_LAYERS - 1) * MAX_UNITS**2 + MAX_LEARNING_RATES  # in all its lists
MAX_EPOCHS = 100_000
MAX_WEIGHT_POINTS = 1001


class Stop(NamedFields):
    """Early stopping: when a trial ends before its last epoch."""

    target_loss: Number | None = Field(None, gt=0, allow_inf_nan=False, description="stop below this loss")
    patience: Annotated[int, Field(ge=1, le=MAX_EPOCHS), WHOLE] | None = Field(
        None, description="stop after this many epochs without a lower loss"
    )


class BackpropSweepSpec(BaseSpec):
    """Train a small network once per learning rate and compare the losses. The defaults are the workbook's 2-2-2
    network."""

    kind: Literal["backprop_sweep"]
    layers: Annotated[list[Annotated[int, Field(ge=1, le=MAX_UNITS), WHOLE]], Field(fail_fast=True)] = Field(
        list(WORKBOOK_LAYERS), min_length=2, max_length=MAX_LAYERS, description="units of each layer, the inputs first"
    )
    activation: Activation = Field("sigmoid", description="of every layer except the inputs")
    loss: Loss = Field(
        "squared_error",
        description="squared_error: half the sum of squared errors; cross_entropy: with a softmax at the outputs",
    )
    biases: StrictBool | Annotated[list[Row], Field(max_length=MAX_LAYERS - 1, fail_fast=True)] = Field(
        False, description="true: initially zero; or the initial biases of each layer except the inputs"
    )
    inputs: Samples = Field([0.05, 0.10], validate_default=True, description="one sample, or a list of samples")
    targets: Samples = Field(
        [0.5, 0.5],
        validate_default=True,
        description="as many samples as `inputs`, within the range of the outputs; its ends are approached only",
    )
    seed: WholeNumber = Field(0, ge=0, lt=2**31)
    weights: Weights | None = Field(
        None,
        validate_default=True,
        description="w1 to w8 for layers [2, 2, 2], or a matrix (units x inputs) per layer; drawn from `seed` if null",
    )
    learning_rates: Annotated[list[LearningRate], Field(fail_fast=True)] = Field(
        [0.1, 0.2, 0.5, 0.8, 1.0, 2.0], min_length=1, max_length=MAX_LEARNING_RATES
    )
    epochs: WholeNumber = Field(100, ge=1, le=MAX_EPOCHS, validate_default=True)
    optimizer: OptimizerName = Field("gradient_descent", description="the rule of a step")
    momentum: Constant = Field(0.9, description="of the optimizer momentum: the share of the last step in the next")
    beta1: Constant = Field(0.9, description="of adam: the share of the past in the mean of the gradients")
    beta2: Constant = Field(0.999, description="of adam: the same of their squares")
    epsilon: Number = Field(1e-8, gt=0, le=1, allow_inf_nan=False, description="of adam: keeps it from dividing by 0")
    batch_size: Annotated[int, Field(ge=1, le=MAX_SAMPLES), WHOLE] | None = Field(
        None,
        description="samples of a step, in an order drawn from `seed` and the epoch; null: all of them, one step an "
        "epoch. The curves show the loss over all samples after each epoch",
    )
    target_loss: Number | None = Field(
        None, gt=0, allow_inf_nan=False, description="a further loss of epochs_to; it does not stop the training"
    )
    stop: Stop | None = None
    max_points: WholeNumber = Field(
        1000, ge=10, le=MAX_EPOCHS + 1, description="of each curve in the result; all points are in curves.npz"
    )

    weight_points: WholeNumber = Field(
        0,
        ge=0,
        le=MAX_WEIGHT_POINTS,
        validate_default=True,
        description="evenly spaced epochs, `weight_epochs` in the result, whose weights are in each trial: `weights`, "
        "a list per epoch, in the order of the file curves.npz",
    )

    @property
    def queue(self) -> str:
        return "sweeps"

    @property
    def is_named(self) -> bool:
        """Whether the weights are called w1 to w8."""
        return isinstance(self.weights, tuple)

    @property
    def early_stopping(self) -> EarlyStopping | None:
        return EarlyStopping(**self.stop.model_dump()) if self.stop else None

    @property
    def reported_target_loss(self) -> float | None:
        """The target loss of `epochs_to`, whether the sweep stops at it or not."""
        return self.target_loss or (self.stop.target_loss if self.stop else None)

    @property
    def stored_bytes(self) -> int:
        return self.result_size.file_bytes

    @property
    def result_size(self) -> ResultSize:
        return ResultSize(
            rates=len(self.learning_rates),
            epochs=self.epochs,
            parameters=count_parameters(tuple(self.layers), has_biases=bool(self.biases)),
            outputs=len(as_samples(self.inputs)) * self.layers[-1],
            max_points=self.max_points,
            weight_points=len(self.weight_epochs),
        )

    @property
    def weight_epochs(self) -> list[int]:
        """The epochs whose weights are in the result, the first and the last among them."""
        if self.weight_points == 0:
            return []
        count = min(self.epochs + 1, max(2, self.weight_points))
        return [int(epoch) for epoch in np.linspace(0, self.epochs, count).round()]

    def require_sense(self) -> None:
        """Raise InvalidInput if the steps with mini-batches would take hours: a block of networks shares them."""
        if self.batch_size is None:
            return
        task = self.to_task()
        blocks = -(-len(self.learning_rates) // block_size(task))
        steps = blocks * self.epochs * task.steps_per_epoch
        if steps > MAX_BATCHES:
            raise InvalidInput(
                f"The learning rates are trained in {blocks:,} blocks, each with epochs x samples / batch_size steps: "
                f"{steps:,}; at most {MAX_BATCHES:,} are allowed. Take a larger batch_size, fewer epochs or rates.",
                location="body.batch_size",
            )

    def to_task(self) -> Task:
        parameters: list[Any] = []
        biases = self.biases if isinstance(self.biases, list) else [[0.0] * units for units in self.layers[1:]]
        matrices: Any = self.weights or draw_weights(tuple(self.layers), seed=self.seed)
        if self.is_named:
            matrices = matrices[:4], matrices[4:]
        for matrix, bias in zip(matrices, biases, strict=True):
            parameters += [matrix, bias] if self.biases else [matrix]
        return Task(
            layers=tuple(self.layers),
            activation=self.activation,
            has_biases=bool(self.biases),
            inputs=np.array(as_samples(self.inputs), np.float64),
            targets=np.array(as_samples(self.targets), np.float64),
            start=np.concatenate([np.ravel(np.array(part, np.float64)) for part in parameters]),
            loss=self.loss,
            rule=Rule(self.optimizer, self.momentum, self.beta1, self.beta2, self.epsilon),
            batch_size=self.batch_size,
            seed=self.seed,
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_weights(cls, values: Any) -> Any:
        """Fills in the workbook's weights for the workbook's layers, unless a seed is given, which draws them."""
        if not isinstance(values, dict) or values.get("weights") is not None or "seed" in values:
            return values
        is_workbook = values.get("layers", list(WORKBOOK_LAYERS)) == list(WORKBOOK_LAYERS)
        return values | {"weights": list(WORKBOOK_WEIGHTS)} if is_workbook else values

    @field_validator("biases")
    @classmethod
    def _check_biases(cls, biases: Any, info: ValidationInfo) -> Any:
        if (layers := info.data.get("layers")) and isinstance(biases, list):
            sweep_checks.check_biases(biases, layers=layers)
        return biases

    @field_validator("inputs")
    @classmethod
    def _check_inputs(cls, inputs: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            sweep_checks.check_width(inputs, layers[0])
        return inputs

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            sweep_checks.check_width(targets, layers[-1])
        if inputs := info.data.get("inputs"):
            sweep_checks.check_count(targets, inputs=inputs)
        if info.data.get("loss") == "cross_entropy":
            sweep_checks.check_distributions(targets)
        else:
            sweep_checks.check_range(targets, activation=info.data.get("activation", ""))
        return targets

    @field_validator("weights")
    @classmethod
    def _check_weights(cls, weights: Any, info: ValidationInfo) -> Any:
        if (layers := info.data.get("layers")) and weights is not None:
            sweep_checks.check_weights(weights, layers=layers)
        return weights

    @field_validator("learning_rates")
    @classmethod
    def _check_final_networks(cls, learning_rates: Any, info: ValidationInfo) -> Any:
        if layers := info.data.get("layers"):
            has_biases = bool(info.data.get("biases"))
            sweep_checks.check_final_weights(learning_rates, layers=layers, has_biases=has_biases)
            if inputs := info.data.get("inputs"):
                sweep_checks.check_final_outputs(learning_rates, layers=layers, inputs=inputs)
        return learning_rates

    @field_validator("batch_size")
    @classmethod
    def _check_batches(cls, batch_size: int | None, info: ValidationInfo) -> int | None:
        if batch_size and (epochs := info.data.get("epochs")) and (inputs := info.data.get("inputs")):
            sweep_checks.check_batches(batch_size, epochs=epochs, inputs=inputs)
        return batch_size

    @field_validator("weight_points")
    @classmethod
    def _check_paths(cls, points: int, info: ValidationInfo) -> int:
        if (rates := info.data.get("learning_rates")) and (layers := info.data.get("layers")):
            has_biases = bool(info.data.get("biases"))
            sweep_checks.check_paths(points, rates=len(rates), layers=layers, has_biases=has_biases)
        return points

    @field_validator("epochs")
    @classmethod
    def _check_steps(cls, epochs: int, info: ValidationInfo) -> int:
        rates, inputs, layers = (info.data.get(name) for name in ("learning_rates", "inputs", "layers"))
        if rates and inputs and layers:
            sweep_checks.check_steps(epochs, learning_rates=rates, inputs=inputs, layers=layers)
        return epochs
