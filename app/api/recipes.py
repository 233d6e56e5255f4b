"""/v1/recipes: the named recipes of a training, and what each field means."""

from typing import Any

from fastapi import APIRouter

from app.api.schemas.recipes import RecipeList
from app.jobs.specs.recipe_fields import RECIPE_NAMES, RecipeFields
from models.recipes import DESCRIPTIONS, RECIPES

router = APIRouter(tags=["jobs"])

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "enum")


@router.get("/v1/recipes", response_model=RecipeList, response_model_exclude_none=True)
def list_recipes() -> dict[str, Any]:
    """The named recipes, which fill in what a training leaves out, and the fields of a recipe with their bounds."""
    properties = RecipeFields.model_json_schema()["properties"]
    return {
        "items": [
            {"name": name, "description": DESCRIPTIONS[name], "fields": vars(recipe)}
            for name, recipe in RECIPES.items()
        ],
        "fields": {name: _describe(properties[name]) for name in RECIPE_NAMES},
    }


def _describe(schema: dict[str, Any]) -> dict[str, Any]:
    """A field as `schemas.recipes.RecipeField`, from its JSON schema."""
    choices = schema.get("anyOf", [schema])  # of a type and null
    bounds = {name: value for choice in choices for name, value in choice.items() if name in BOUNDS}
    kinds = " or ".join(choice["type"] for choice in choices)
    return {"type": kinds, "meaning": schema["description"], "default": schema["default"]} | bounds
