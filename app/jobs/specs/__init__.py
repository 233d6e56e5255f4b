"""What a client may ask for, one file per kind of job. Bounds and defaults live here: a spec that exists is valid."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.jobs.specs.backprop import BackpropSweepSpec
from app.jobs.specs.training import MnistTrainingSpec

__all__ = ["QUEUES", "BackpropSweepSpec", "JobKind", "JobSpec", "MnistTrainingSpec", "job_spec_adapter"]

JobKind = Literal["backprop_sweep", "mnist_training"]
JobSpec = Annotated[BackpropSweepSpec | MnistTrainingSpec, Field(discriminator="kind")]
QUEUES = ("sweeps", "training", "training-cuda")
job_spec_adapter: TypeAdapter[BackpropSweepSpec | MnistTrainingSpec] = TypeAdapter(JobSpec)
