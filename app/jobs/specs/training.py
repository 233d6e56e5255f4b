"""The spec of a training of the digit network."""

from typing import Literal

from pydantic import Field

from app.errors import InvalidInput
from app.jobs.specs.numbers import WholeNumber
from app.jobs.specs.options import BaseSpec
from app.jobs.specs.recipe_fields import RecipeFields

CPU_QUEUE, CUDA_QUEUE = "training", "training-cuda"
CHECKPOINT_BYTES = 320 * 1024  # of a checkpoint of the digit network; 209 kB with sgd, 280 kB with adamw
MODEL_BYTES = 384 * 1024  # of the files of a model version; 300 kB today
TRAINING_PICTURES = {"mnist": 54_970, "optdigits": 1_197}


class MnistTrainingSpec(RecipeFields, BaseSpec):
    """Train the 16,562-parameter digit network. The recipe fills in what is left out (shown: those of `fast`)."""

    kind: Literal["mnist_training"]
    seed: WholeNumber = Field(0, ge=0, lt=2**31, description="of all random numbers")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dataset: Literal["mnist", "optdigits"] = "mnist"

    @property
    def stored_bytes(self) -> int:
        return self.epochs * CHECKPOINT_BYTES + MODEL_BYTES

    @property
    def queue(self) -> str:
        return CUDA_QUEUE if self.device == "cuda" else CPU_QUEUE

    @property
    def is_for_any_device(self) -> bool:
        return self.device == "auto"

    @property
    def required_device(self) -> str | None:
        return "cuda" if self.device == "cuda" else None

    def require_sense(self) -> None:
        pictures = TRAINING_PICTURES[self.dataset]
        if self.batch_size > pictures:
            raise InvalidInput(
                f"A batch of {self.batch_size:,} is larger than the {pictures:,} training pictures of {self.dataset}. "
                "Ask for a smaller batch_size.",
                location="body.batch_size",
            )
