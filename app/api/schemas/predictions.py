"""Predictions of one picture, of several, and of a page."""

from pydantic import BaseModel, Field

from models.pictures.rejection import RejectionReason


class ModelReference(BaseModel):
    version: str


class Hypothesis(BaseModel):
    """Ink that may be the digit."""

    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom")
    score: float = Field(ge=0, le=1, description="its share of all ink that was found")
    chosen: bool = Field(description="whether it was taken as the digit, or as a part of it")


class PictureReport(BaseModel):
    """How a picture was brought to 28x28."""

    inverted: bool = Field(description="the ink was dark on light")
    box: tuple[int, int, int, int] | None = Field(description="left, top, right, bottom of the ink; null if blank")
    scale: float
    shift: tuple[int, int]
    ink: float = Field(description="share of the 28x28 pixels that carry ink")
    png: str = Field("", description="with `debug=true`: the 28x28 picture as a data URL; left out otherwise")
    overlay: str = Field(
        "", description="with `debug=true`: the picture, the ink in blue, and the boxes of all hypotheses, a data URL"
    )
    hypotheses: list[Hypothesis] = Field([], description="with `debug=true`: all ink that was found")


class Prediction(BaseModel):
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="the probability of `digit`")
    probabilities: list[float] = Field(min_length=10, max_length=10)
    accepted: bool = Field(description="false where the model should not be trusted")
    reason: RejectionReason | None = Field(description="why the prediction is not accepted; null if it is")
    model: ModelReference
    image: PictureReport | None = Field(description="null for `pixels`, which are taken as they are")
    id: str = Field(
        "", description="for `POST /v1/predictions/feedback`, where the service keeps pictures; left out otherwise"
    )


class ReadDigit(BaseModel):
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="the probability of `digit`")
    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom of its ink")
    accepted: bool = Field(description="false where the model should not be trusted")
    reason: RejectionReason | None = Field(description="why the digit is not accepted; null if it is")


class ReadLine(BaseModel):
    text: str = Field(description="the groups, with a space between two")
    groups: list[str] = Field(description="the numbers: a dash between digits separates two")
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
