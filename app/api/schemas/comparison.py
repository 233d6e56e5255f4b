"""Several trainings, compared."""

from typing import Any

from pydantic import BaseModel, Field

from app.api.schemas.results import Epoch
from app.jobs.lifecycle import JobStatus


class ComparedJob(BaseModel):
    id: str
    name: str | None
    tags: list[str]
    status: JobStatus
    recipe: str
    seed: int
    epochs: list[Epoch] = Field(description="as in the events of the job")
    best_validation_accuracy: float | None
    test_accuracy: float | None = Field(
        description="null until the job has succeeded, as are the next two; stays so for the trial of a search"
    )
    model_version: str | None
    seconds: float | None


class Comparison(BaseModel):
    items: list[ComparedJob] = Field(description="in the order asked for")
    differences: dict[str, list[Any]] = Field(
        description="each field of the specs that is not the same for all, with its values in the order of `items`"
    )
