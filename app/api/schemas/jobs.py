"""Jobs as documents, one model per kind."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, RootModel

from app.api.schemas.events import JobErrorReason
from app.api.schemas.results import Epoch, ReproductionResult, SearchResult, SweepResult, TrainingResult, TrialResult
from app.jobs.lifecycle import JobStatus
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec, ReproductionSpec, TrainingSearchSpec
from app.jobs.specs.options import NamedFields
from app.jobs.specs.recipe_fields import BatchSize, Epochs, LearningRate


class Progress(BaseModel):
    done: int
    total: int
    unit: Literal["steps", "batches", "trials"]
    eta_seconds: float | None = Field(
        description="until all is done at the pace of this run so far, without what follows, such as the evaluation on "
        "the test set; null while the job does not run"
    )


class Origin(BaseModel):
    """Of which job this one is a retry with changes."""

    job: str
    step: int = Field(description="the batch of that job from whose checkpoint this one continues; 0: it begins anew")
    why: str


class JobError(BaseModel):
    reason: JobErrorReason = Field(description="`impossible`: the settings of a trial do not go together")
    detail: str


class Membership(BaseModel):
    """The place of a training in a search."""

    id: str = Field(description="the job that is the search")
    role: Literal["trial", "winner"] = Field(description="winner: it tests and registers the best trial's network")
    trial: int = Field(description="the trial's number, from 0")


class Links(BaseModel):
    """Paths of this job."""

    self: str
    events: str
    cancel: str
    retry: str
    plot: str


class SweepLinks(Links):
    curves: str


class TrainingLinks(Links):
    hardest: str


class SearchLinks(Links):
    trials: str


class JobFields(BaseModel):
    """What a job has in a list, whatever its kind."""

    id: str
    status: JobStatus
    name: str | None
    tags: list[str]
    attempt: int = Field(description="how often a worker has claimed it")
    cancel_requested: bool = Field(description="true while a job that is to be cancelled has not ended")
    progress: Progress | None
    error: JobError | None
    origin: Origin | None
    search: Membership | None = Field(description="null for a job of its own")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    spec_left_out: list[str] = Field([], description="in a list: the fields of the spec that are too long for it")


class SweepSummary(JobFields):
    kind: Literal["backprop_sweep"]
    spec: BackpropSweepSpec
    links: SweepLinks


class TrainingSummary(JobFields):
    kind: Literal["mnist_training"]
    spec: MnistTrainingSpec
    links: TrainingLinks


class ReproductionSummary(JobFields):
    kind: Literal["reproduction"]
    spec: ReproductionSpec
    links: Links


class SearchSummary(JobFields):
    kind: Literal["training_search"]
    spec: TrainingSearchSpec
    links: SearchLinks


class WholeFields(BaseModel):
    """What a job has beside that where it is read alone."""

    notice: str | None = Field(None, description="why a queued job cannot run now; null where nothing is in its way")


class SweepJob(SweepSummary, WholeFields):
    result: SweepResult | None = Field(description="null until the job has succeeded")
    epochs: None = None


class TrainingJob(TrainingSummary, WholeFields):
    result: TrainingResult | TrialResult | None = Field(description="null until the job has succeeded")
    epochs: list[Epoch] | None = Field(description="its epochs so far, also those of a failed or cancelled training")


class ReproductionJob(ReproductionSummary, WholeFields):
    result: ReproductionResult | None = Field(description="null until the job has succeeded")
    epochs: None = None


class SearchJob(SearchSummary, WholeFields):
    result: SearchResult | None = Field(description="null until the job has succeeded")
    epochs: None = None


class JobSummary(
    RootModel[
        Annotated[SweepSummary | TrainingSummary | ReproductionSummary | SearchSummary, Field(discriminator="kind")]
    ]
):
    """A job in a list: everything but its result."""


class Job(RootModel[Annotated[SweepJob | TrainingJob | ReproductionJob | SearchJob, Field(discriminator="kind")]]):
    """A job with its result."""


class RetryChanges(NamedFields):
    """What a retry changes: with any of it, a training is retried as a new job."""

    learning_rate: LearningRate | None = Field(None, description="null: that of the old job")
    epochs: Epochs | None = Field(None, description="null: those of the old job")
    batch_size: BatchSize | None = Field(None, description="null: that of the old job; another one begins anew")


class JobPage(BaseModel):
    items: list[JobSummary]
    next_cursor: str | None
