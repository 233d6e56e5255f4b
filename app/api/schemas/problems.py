"""Errors, as every endpoint answers them."""

from pydantic import BaseModel, Field


class InvalidField(BaseModel):
    location: str = Field(description="the path in the request, such as `body.learning_rates.0`")
    message: str


class Problem(BaseModel):
    """An error (RFC 9457). docs/errors.md lists the types."""

    type: str = Field(description="`urn:numeral:` and the name of the error, or `about:blank`")
    title: str
    status: int
    detail: str = Field(description="what is wrong, and what to do")
    instance: str
    errors: list[InvalidField] | None = Field(None, description="the fields that are wrong")
    reasons: list[str] | None = Field(None, description="of `GateNotPassed`: why the version may not become champion")
