"""Schemas of the trials of a search."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.jobs.lifecycle import JobStatus
from app.jobs.specs.numbers import WHOLE
from app.jobs.specs.options import NamedFields
from app.jobs.specs.search import MAX_TRIALS


class Trial(BaseModel):
    """A training of a search."""

    number: int = Field(description="from 0, in the order in which they were queued")
    params: dict[str, Any] = Field(examples=[{"learning_rate": 0.13, "batch_size": 64}])
    status: JobStatus | Literal["pruned"] = Field(
        description="that of its job; but `pruned` for one that was given up before its last epoch"
    )
    value: float | None = Field(description="validation accuracy after its last epoch, once it has ended")
    job_id: str
    epochs: int = Field(description="that are done")
    seconds: float | None = Field(description="from its first start to its end")


class Trials(BaseModel):
    """All trials of a search so far."""

    items: list[Trial]
    best: int | None = Field(description="the number of the best one that has come to its end")


class Extension(NamedFields):
    """How many trials a search gets in addition."""

    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS), WHOLE]
