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


class LayerActivations(BaseModel):
    """What a layer of the network computed of the picture."""

    name: str = Field(description="conv1 to conv7, pool1, pool2 and average; those of ReLU layers are after the ReLU")
    channels: int = Field(description="how many pictures stand in the sheet, from left to right, eight in a row")
    height: int = Field(description="of one of them, in pixels")
    width: int
    low: float = Field(description="the value of black: 0, or -high where values are negative, so that grey is 0")
    high: float = Field(description="the value of white")
    sheet: str = Field(description="a grey PNG as a data URL; a level g of 0..255 is low + g (high - low) / 255")


class Explanation(BaseModel):
    """Why the picture was read as this digit."""

    saliency: list[list[float]] = Field(
        min_length=28,
        max_length=28,
        description="28 rows of 28 numbers: the mean fall of the log odds of `digit` when a patch of 4x4 pixels that "
        "covers this pixel is blanked; negative where the digit is more probable without the ink",
    )
    activations: list[LayerActivations] = Field(description="in the order of the network")


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
    explanation: Explanation | None = Field(None, description="with `explain=true`; left out otherwise")


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
