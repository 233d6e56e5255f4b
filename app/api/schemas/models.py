"""Model versions, and the aliases that stand for them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.api.schemas.results import Calibration, Epoch, Evaluation, FinalEvaluation, PictureFigures, Start, UsedDataset
from app.jobs.specs.options import NamedFields
from app.jobs.specs.versions import Version

MAX_NOTE_LENGTH = 1000


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
    job: str | None = Field(description="the training that made it; null for one that shipped with the program")
    note: str | None


class CardRecipe(BaseModel):
    """The recipe that a version was trained with: its name and all of its fields."""

    model_config = ConfigDict(extra="allow")

    name: str
    epochs: int
    batch_size: int
    learning_rate: float


class CheckpointOrigin(BaseModel):
    """The checkpoint of another training that a training continued."""

    job: str
    step: int


class Card(BaseModel):
    """How a version was trained, and how good it is. Cards of older releases say less."""

    recipe: CardRecipe
    seed: int
    parameters: int
    dataset: UsedDataset
    test: FinalEvaluation
    validation: Evaluation
    train: Evaluation | None = None
    calibration: Calibration
    pictures: PictureFigures | None = None
    epochs: list[Epoch]
    seconds: float
    start_from: Start | None = None
    origin: CheckpointOrigin | None = None
    teacher: str | None = Field(None, description="sha256 of the weights of the network that it was distilled from")
    spec: dict[str, Any] | None = Field(None, description="what was asked for")
    input: str
    output: str
    weights_sha256: str
    largest_logit_difference: float = Field(description="between torch and the exported network")
    device: str
    threads: int
    precision: str | None = None
    cpu: str | None = None
    gpu: str | None = None
    commit: str | None = Field(None, description="of the program that trained it")
    libraries: dict[str, str]


class Model(ModelSummary):
    card: Card
    files: list[ModelFile]


class ModelNote(NamedFields):
    note: (
        Annotated[str, Field(min_length=1, max_length=MAX_NOTE_LENGTH, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")] | None
    ) = Field(description="for people, with line breaks and tabs; null removes it", examples=["best on the scans"])


class ModelList(BaseModel):
    items: list[ModelSummary]


class AliasCondition(NamedFields):
    expected_version: Version | None = Field(
        None, description="the version that must serve now; otherwise nothing changes"
    )


class AliasTarget(AliasCondition):
    version: Version = Field(description="a version or its number")
    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] | None = Field(
        None, description="for the history"
    )
    force: StrictBool = Field(False, description="promote past the gate; only `champion` has one. The history keeps it")


class AliasChange(BaseModel):
    alias: str
    version: str
    since: datetime
    until: datetime | None = Field(description="null for the one that serves now")
    reason: str
    forced: bool = Field(False, description="whether the version became champion by hand although the gate refused it")


class AliasHistory(BaseModel):
    items: list[AliasChange]
