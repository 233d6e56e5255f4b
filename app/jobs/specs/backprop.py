"""The spec of a sweep over learning rates."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from app.errors import InvalidInput
from app.jobs.specs import sweep_checks
from app.jobs.specs.network import NetworkFields
from app.jobs.specs.network_fields import MAX_LAYERS, MAX_SAMPLES, MAX_UNITS, LearningRate
from app.jobs.specs.numbers import WHOLE, Number, WholeNumber
from app.jobs.specs.options import BaseSpec, NamedFields
from app.jobs.specs.sweep_checks import MAX_BATCHES, as_samples
from models.backprop.sweeps.descent import EarlyStopping
from models.backprop.sweeps.result_size import ResultSize
from models.backprop.sweeps.sweep import block_size
from models.backprop.sweeps.task import count_parameters

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


OPTIMIZERS_OF_CONSTANTS = {"momentum": ("momentum",), "beta1": ("adam",), "beta2": ("adam",), "epsilon": ("adam",)}


class BackpropSweepSpec(NetworkFields, BaseSpec):
    """Train a small network once per learning rate and compare the losses. The defaults are the workbook's 2-2-2
    network."""

    kind: Literal["backprop_sweep"]
    learning_rates: Annotated[list[LearningRate], Field(fail_fast=True)] = Field(
        [0.1, 0.2, 0.5, 0.8, 1.0, 2.0],
        min_length=1,
        max_length=MAX_LEARNING_RATES,
        description="one network is trained at each, from the same weights",
    )
    epochs: WholeNumber = Field(
        100, ge=1, le=MAX_EPOCHS, validate_default=True, description="passes over all samples, at each learning rate"
    )
    target_loss: Number | None = Field(
        None, gt=0, allow_inf_nan=False, description="a further loss of epochs_to; it does not stop the training"
    )
    stop: Stop | None = Field(None, description="when a network is trained no further")
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

    @property
    def notes(self) -> list[str]:
        """What was asked for and changes nothing, for the result: sweeps with it have always been done."""
        samples, stops_at = len(as_samples(self.inputs)), self.stop.target_loss if self.stop else None
        found = []
        if self.stop is not None and stops_at is None and self.stop.patience is None:
            found.append("`stop` is empty: it ends no training early.")
        if stops_at is not None and self.target_loss is not None and self.target_loss < stops_at:
            found.append(f"A target_loss of {self.target_loss:g} is not waited for: `stop` ends at {stops_at:g}.")
        if self.batch_size is not None and self.batch_size > samples:
            found.append(f"Each step takes all samples: {samples:,}, fewer than the batch_size of {self.batch_size:,}.")
        return found

    def require_sense(self) -> None:
        """Raise InvalidInput for a constant that says nothing to the optimizer, and for mini-batches that would take
        hours: a block of networks shares their steps."""
        for name, optimizers in OPTIMIZERS_OF_CONSTANTS.items():
            if self.optimizer not in optimizers and getattr(self, name) != type(self).model_fields[name].default:
                raise InvalidInput(
                    f"{name} says nothing to the optimizer {self.optimizer}. Leave it out, or ask for "
                    f'"optimizer": "{optimizers[0]}".',
                    location=f"body.{name}",
                )
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

    @field_validator("learning_rates")
    @classmethod
    def _check_final_networks(cls, learning_rates: list[float], info: ValidationInfo) -> list[float]:
        if layers := info.data.get("layers"):
            has_biases = bool(info.data.get("biases"))
            sweep_checks.check_final_weights(learning_rates, layers=layers, has_biases=has_biases)
            if inputs := info.data.get("inputs"):
                sweep_checks.check_final_outputs(learning_rates, layers=layers, inputs=inputs)
        return learning_rates

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
