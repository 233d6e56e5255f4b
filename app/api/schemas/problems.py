"""Errors, as every endpoint answers them."""

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] | None = Field(None, description="{location, message} of each invalid field")
