"""The recipes of a training."""

from pydantic import BaseModel, ConfigDict, Field

Value = bool | int | float | str | None


class RecipeField(BaseModel):
    """A field of a recipe; its bounds are those of JSON schema."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    type: str
    meaning: str
    default: Value = Field(description="that of `fast`")
    minimum: float | None = None
    exclusive_minimum: float | None = Field(None, alias="exclusiveMinimum")
    maximum: float | None = None
    exclusive_maximum: float | None = Field(None, alias="exclusiveMaximum")
    enum: list[str] | None = None


class Recipe(BaseModel):
    name: str
    description: str
    fields: dict[str, Value]


class RecipeList(BaseModel):
    items: list[Recipe]
    fields: dict[str, RecipeField]
