"""The spec of a reproduction: a version is trained again from its card, to compare the weights."""

from typing import Literal

from pydantic import Field

from app.jobs.specs.options import BaseSpec
from app.jobs.specs.recipe_fields import MAX_EPOCHS
from app.jobs.specs.training import CHECKPOINT_BYTES, CPU_QUEUE, CUDA_QUEUE
from app.jobs.specs.versions import Version


class ReproductionSpec(BaseSpec):
    """Train a model version again from its card. The result says whether the weights are equal, else since when not."""

    kind: Literal["reproduction"]
    version: Version = Field(description="a model version or an alias", examples=["1"])
    device: Literal["cpu", "cuda"] | None = Field(None, description="by default the one it was trained on")

    @property
    def stored_bytes(self) -> int:
        return MAX_EPOCHS * CHECKPOINT_BYTES  # the card says how many there will be; this is the most

    @property
    def reproduced_version(self) -> str:
        return self.version

    @property
    def queue(self) -> str:
        return CUDA_QUEUE if self.device == "cuda" else CPU_QUEUE

    @property
    def required_device(self) -> str | None:
        return "cuda" if self.device == "cuda" else None
