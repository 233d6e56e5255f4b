"""The shapes of the answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.jobs.lifecycle import JobStatus


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = Field(None, description="{location, message} of each invalid field")


class Progress(BaseModel):
    done: int
    total: int
    unit: str


class JobError(BaseModel):
    reason: str = Field(description="`error`, `worker_lost`, `stalled` or `time_limit`")
    detail: str


class JobSummary(BaseModel):
    """A job as it stands in a list: everything but its result."""

    id: str
    kind: str
    status: JobStatus
    spec: dict[str, Any]
    attempt: int = Field(description="how often a worker has taken it")
    progress: Progress | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class Job(JobSummary):
    result: dict[str, Any] | None = Field(description="null until the job has succeeded")


class JobPage(BaseModel):
    items: list[JobSummary]
    next_cursor: str | None


class Event(BaseModel):
    id: int
    event: str = Field(description="`status`, `epoch`, `trial` or `log`")
    at: datetime
    data: dict[str, Any]


class EventPage(BaseModel):
    items: list[Event]
    next_cursor: str | None = Field(description="null once the job has ended and all its events are listed")


class ModelReference(BaseModel):
    version: str


class PictureReport(BaseModel):
    """How a picture was brought to 28x28."""

    inverted: bool = Field(description="the ink was dark on light")
    box: tuple[int, int, int, int] | None = Field(description="left, top, right, bottom of the ink; null if blank")
    scale: float
    shift: tuple[int, int]
    ink: float = Field(description="share of the 28x28 pixels that carry ink")
    png: str = Field("", description="with `debug=true`: the 28x28 picture as a data URL; left out otherwise")


class Prediction(BaseModel):
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="the probability of `digit`")
    probabilities: list[float] = Field(min_length=10, max_length=10)
    accepted: bool = Field(description="false where the model should not be trusted")
    reason: str | None = Field(description="why not accepted: `blank`, `too_small`, `not_a_digit` or `ambiguous`")
    model: ModelReference
    image: PictureReport | None = Field(description="null for `pixels`, which are taken as they are")


class ReadDigit(BaseModel):
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="the probability of `digit`")
    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom of its ink")
    accepted: bool = Field(description="false where the model should not be trusted")
    reason: str | None = Field(description="why not accepted, as for a prediction")


class ReadLine(BaseModel):
    text: str
    digits: list[ReadDigit] = Field(description="from left to right")


class Reading(BaseModel):
    """The digits of a picture; nothing where it is blank."""

    text: str = Field(description="all lines, from top to bottom, with a line feed between two")
    lines: list[ReadLine]
    digits: list[ReadDigit] = Field(description="of all lines, in reading order")
    model: ModelReference
    plot: str = Field("", description="with `debug=true`: the picture with the boxes, a data URL; left out otherwise")


class FailedItem(BaseModel):
    error: dict[str, str] = Field(description="{title, detail}")


class BatchPrediction(BaseModel):
    items: list[Prediction | FailedItem]


class ModelFile(BaseModel):
    name: str
    size: int
    sha256: str
    href: str


class ModelSummary(BaseModel):
    version: str
    aliases: list[str]
    created_at: datetime
    test_accuracy: float
    validation_accuracy: float
    dataset: str
    recipe: str


class Model(ModelSummary):
    card: dict[str, Any]
    files: list[ModelFile]


class ModelList(BaseModel):
    items: list[ModelSummary]


class AliasCondition(BaseModel):
    model_config = {"extra": "forbid"}
    expected_version: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None, description="the version that must serve now; otherwise nothing changes"
    )


class AliasTarget(AliasCondition):
    version: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = Field(
        None, description="for the history"
    )


class AliasChange(BaseModel):
    alias: str
    version: str
    since: datetime
    until: datetime | None = Field(description="null for the one that serves now")
    reason: str


class AliasHistory(BaseModel):
    items: list[AliasChange]
