"""What the OpenAPI document says beside the endpoints: the form of errors, and how a key is sent."""

from typing import Any

from fastapi import FastAPI

from app.api.error_handlers import ProblemResponse, is_v2

KEY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, `numeral_...`, as a bearer token"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key; one of the two"},
}
# none is needed until one has been created
KEY_IF_ANY: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"header": []}]


def document(app: FastAPI) -> None:
    """Complete the OpenAPI document of `app`."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            schema["security"] = KEY_IF_ANY
            schema.setdefault("components", {})["securitySchemes"] = KEY_SCHEMES
            for path, operations in schema["paths"].items():
                for operation in operations.values() if not is_v2(path) else ():
                    _name_problem_type(operation)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def _name_problem_type(operation: dict[str, Any]) -> None:
    """Errors are of type application/problem+json."""
    for status, response in operation["responses"].items():
        if status in ("4XX", "5XX"):
            response["content"] = {ProblemResponse.media_type: response["content"]["application/json"]}
