"""Data sets, and feedback about predictions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.api.schemas.media import BINARY
from app.api.schemas.pictures import PIXELS, SCALE
from app.jobs.specs.numbers import WHOLE
from app.jobs.specs.options import NamedFields

NAME = "[a-z][a-z0-9_-]{0,39}"


class RejectedFile(BaseModel):
    file: str
    reason: str


class RejectedFiles(BaseModel):
    total: int
    items: list[RejectedFile] = Field(description="the first 1,000 of them")


class DatasetLinks(BaseModel):
    """Paths of this data set."""

    self: str
    sheet: str | None = Field(None, description="a picture of it; null for a built-in one")
    pictures: str | None = Field(None, description="its pictures one by one; null for a built-in one")


class DatasetSummary(BaseModel):
    name: str
    built_in: bool = Field(description="whether it comes with the service; all else is null then")
    description: str
    pictures: int | None
    counts: dict[str, int] | None = Field(description="pictures of each digit", examples=[{"0": 12, "1": 9}])
    splits: dict[str, int] | None = Field(
        description="pictures in `train`, `validation` and `test`; null for `feedback`, which is split by each training"
    )
    sha256: str | None = Field(description="of the stored file; results and cards name it")
    bytes: int | None = Field(description="of the stored file")
    created_at: datetime | None
    links: DatasetLinks


class Dataset(DatasetSummary):
    rejected: RejectedFiles | None = Field(description="files of the upload that are no part of the data set, and why")


class DatasetList(BaseModel):
    items: list[DatasetSummary]


class Picture(BaseModel):
    position: int = Field(description="in the data set, from 0")
    digit: int = Field(description="its label")
    split: Literal["train", "validation", "test"]
    png: str = Field(description="28x28 pixels, as a data URL")


class PicturePage(BaseModel):
    items: list[Picture]
    total: int = Field(description="how many there are, of the label and split that were asked for")


class Label(NamedFields):
    """What a picture shows."""

    digit: Annotated[int, Field(ge=0, le=9), WHOLE]


class Feedback(BaseModel):
    dataset: str
    digit: int
    pictures: int = Field(description="how many the data set holds now")
    sha256: str = Field(description="of the data set with this picture")


UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "file"],
                    "properties": {
                        "name": {"type": "string", "pattern": f"^{NAME}$", "examples": ["mine"]},
                        "file": {
                            "type": "array", "minItems": 1, "maxItems": 4, "items": BINARY["schema"],
                            "description": "a zip of folders 0 to 9 with pictures, a zip of IDX files, or two or four "
                            "IDX files (gzipped or not)",
                        },
                    },
                }
            }
        },
    }
}  # fmt: skip
DIGIT = {"type": "integer", "minimum": 0, "maximum": 9}
IMAGE = {"type": "string", "minLength": 1, "description": "base64 or a data URL"}
PREDICTION_ID = {
    "type": "string", "pattern": "^[0-9a-f-]{36}$", "description": "the `id` of a prediction that was kept",
}  # fmt: skip
FEEDBACK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "required": [name, "digit"],
                            "properties": {
                                name: schema,
                                "digit": DIGIT,
                                **({"scale": SCALE} if name == "pixels" else {}),
                            },
                        }
                        for name, schema in (("pixels", PIXELS), ("image", IMAGE), ("prediction_id", PREDICTION_ID))
                    ]
                }
            }
        },
    }
}
