"""Predictions of one picture, of several, and of a page."""

from pydantic import BaseModel, Field

from models.pictures.rejection import RejectionReason


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
    reason: RejectionReason | None = Field(description="why the prediction is not accepted; null if it is")
    model: ModelReference
    image: PictureReport | None = Field(description="null for `pixels`, which are taken as they are")


class ReadDigit(BaseModel):
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(description="the probability of `digit`")
    box: tuple[int, int, int, int] = Field(description="left, top, right, bottom of its ink")
    accepted: bool = Field(description="false where the model should not be trusted")
    reason: RejectionReason | None = Field(description="why the digit is not accepted; null if it is")


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
