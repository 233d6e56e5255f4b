"""Model versions, and the aliases that stand for them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

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


class Model(ModelSummary):
    card: dict[str, Any]
    files: list[ModelFile]


class ModelNote(BaseModel):
    model_config = {"extra": "forbid"}
    note: (
        Annotated[str, Field(min_length=1, max_length=MAX_NOTE_LENGTH, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")] | None
    ) = Field(description="for people, with line breaks and tabs; null removes it", examples=["best on the scans"])


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
    force: bool = Field(False, description="promote past the gate; only `champion` has one. The history keeps it")


class AliasChange(BaseModel):
    alias: str
    version: str
    since: datetime
    until: datetime | None = Field(description="null for the one that serves now")
    reason: str
    forced: bool = Field(False, description="whether the version became champion by hand although the gate refused it")


class AliasHistory(BaseModel):
    items: list[AliasChange]
