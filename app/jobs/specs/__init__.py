"""What a client may ask for, one file per kind of job. Bounds and defaults live here: a spec that exists is valid."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.jobs.specs.backprop import BackpropSweepSpec
from app.jobs.specs.reproduction import ReproductionSpec
from app.jobs.specs.search import SEARCH_QUEUE, TrainingSearchSpec
from app.jobs.specs.training import CPU_QUEUE, CUDA_QUEUE, MnistTrainingSpec

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
JobSpec = Annotated[
    BackpropSweepSpec | MnistTrainingSpec | ReproductionSpec | TrainingSearchSpec, Field(discriminator="kind")
]
QUEUES = ("sweeps", SEARCH_QUEUE, CPU_QUEUE, CUDA_QUEUE)
job_spec_adapter: TypeAdapter[BackpropSweepSpec | MnistTrainingSpec | ReproductionSpec | TrainingSearchSpec] = (
    TypeAdapter(JobSpec)
)
