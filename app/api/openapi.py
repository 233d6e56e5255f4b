"""Completes the OpenAPI document: names, summaries, keys, errors, headers and examples of every endpoint."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.access.scopes import ADMIN, NEVER_LIMITED, scopes_for
from app.api.documented_errors import describe, example, list_meanings
from app.api.error_handlers import ProblemResponse, is_v2
from app.api.links import link
from app.api.schemas.media import ref
from app.errors import (
    BodyTooLarge,
    DatabaseUnavailable,
    InvalidInput,
    KeyAmbiguous,
    KeyInUrl,
    KeyMissing,
    KeysUnknown,
    KeyWrong,
    ModelNotLoaded,
    OriginRefused,
    RateLimited,
    ScopeMissing,
    ShuttingDown,
    StorageUnavailable,
    UnsupportedEncoding,
    UnsupportedMediaType,
)

Document = dict[str, Any]

CONTACT = {"name": "The Numeral authors"}
LICENSE = {"name": "MIT", "identifier": "MIT"}
TAGS = [
    {"name": "prediction", "description": "Which digit is in a picture, and which digits are on a page."},
    {"name": "jobs", "description": "Work that takes longer than a request: sweeps, trainings, searches."},
    {"name": "backprop", "description": "One step of backpropagation, derived line by line."},
    {"name": "models", "description": "The trained versions, their cards and files, and which of them serves."},
    {"name": "datasets", "description": "Pictures to train with: uploaded ones, and feedback about predictions."},
    {"name": "open inference protocol", "description": "Version 2 of the protocol of Triton, KServe and MLServer."},
    {"name": "operation", "description": "For operators and their tools: readiness, queues, workers, metrics."},
]
KEY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, `numeral_...`, as a bearer token"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key; one of the two"},
}
HEADERS = {
    "X-Request-Id": ("of this request; the log names it", {"type": "string"}),
    "Location": ("the path of what was created, or of what to read instead", {"type": "string"}),
    "Retry-After": ("seconds to wait before asking again", {"type": "integer", "minimum": 1}),
    "ETag": ("the version that serves, in quotes; for `If-Match`", {"type": "string"}),
    "Preference-Applied": ("`wait=N`, where the job was waited for", {"type": "string"}),
    "WWW-Authenticate": ("how to send a key", {"type": "string"}),
}
COMMON: dict[str, tuple[type[Exception], ...]] = {
    "400": (KeyInUrl, KeyAmbiguous),
    "401": (KeyMissing, KeyWrong),
    "403": (ScopeMissing, OriginRefused),
    "413": (BodyTooLarge,),
    "415": (UnsupportedMediaType, UnsupportedEncoding),
    "422": (InvalidInput,),
    "429": (RateLimited,),
    "503": (ShuttingDown, DatabaseUnavailable, StorageUnavailable, ModelNotLoaded, KeysUnknown),
}
NAMES = {"400": "BadKey", "401": "NoKey", "403": "NotAllowed", "413": "TooLarge", "415": "WrongType",
         "422": "Invalid", "429": "TooMany", "503": "Unavailable"}  # fmt: skip
PARAMETER_EXAMPLES = {
    "alias": "champion", "version": "1", "name": "mnist", "model": "champion",
    "job_id": "01a224df-abbe-7439-9cb0-502f69bdce1a", "position": 0,
    "ids": "01a224df-abbe-7439-9cb0-502f69bdce1a,01a224fe-561d-77df-9d86-7592c6e78b00",
}  # fmt: skip
UNEXPECTED = "The service failed unexpectedly; its log has the details."
PROBLEM = {"type": "about:blank", "title": "Internal Server Error", "status": 500, "instance": "/v1/..."}
EXAMPLES_OF_OPERATIONS = {("getModelFile", "name"): "card.json"}
EXAMPLES = Path(__file__).with_name("examples.json")  # docs/make_examples.py writes it from the answers of a service
MAX_SUMMARY_LENGTH = 110


def operation_id(route: APIRoute) -> str:
    """The name of the endpoint's function in camel case, as a generated client calls it."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def document(app: FastAPI, components: Mapping[str, Document]) -> None:
    """Complete the OpenAPI document of `app`; `components` are schemas of bodies that no pydantic model describes."""
    plain = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            complete(plain(), components)
        root = link("")
        return plain() | ({"servers": [{"url": root}]} if root else {})

    app.openapi = openapi  # type: ignore[method-assign]


def complete(schema: Document, components: Mapping[str, Document]) -> None:
    parts = schema.setdefault("components", {})
    parts["securitySchemes"] = KEY_SCHEMES
    parts["headers"] = {name: {"description": text, "schema": content} for name, (text, content) in HEADERS.items()}
    parts["responses"] = {name: _common_response(status) for status, name in NAMES.items()}
    parts["schemas"] = dict(sorted((parts.get("schemas", {}) | components).items()))
    for path, method, operation in operations(schema):
        _complete_operation(path, method, operation)


def operations(schema: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _complete_operation(path: str, method: str, operation: Document) -> None:
    _summarise(operation)
    scopes = scopes_for(method, path)
    is_open = not scopes
    keys = [{"bearer": [scope]} for scope in scopes] + [{"header": [scope]} for scope in scopes]
    operation["security"] = [] if is_open else [{}, *keys]  # none is needed until one has been created
    if not is_open:
        needed = " or ".join(f"`{scope}`" for scope in dict.fromkeys((*scopes, *ADMIN)))
        text = f"Where keys exist, this needs one with the scope {needed}."
        operation["description"] = "\n\n".join(filter(None, (operation.get("description"), text)))
    _document_errors(path, operation, is_open=is_open)
    _document_headers(operation)
    _add_examples(operation)


def _summarise(operation: Document) -> None:
    """Make the first sentence of the description the summary, also of the answer that has none of its own."""
    whole = operation.get("description", "")
    first, _, rest = whole.partition("\n\n")
    sentence, _, more = re.sub(r"\s+", " ", first).partition(". ")
    if ": " in sentence or len(sentence) > MAX_SUMMARY_LENGTH:
        sentence, more = re.split("[:;] ", sentence)[0], first
    operation["summary"] = sentence.rstrip(".").replace("`", "")  # Swagger UI shows it as plain text
    operation["description"] = "\n\n".join(filter(None, (more, rest)))
    if not operation["description"]:
        del operation["description"]
    for answer in operation["responses"].values():
        if answer.get("description") == "Successful Response":  # FastAPI's own, which says nothing
            answer["description"] = operation["summary"]


def _document_errors(path: str, operation: Document, *, is_open: bool) -> None:
    responses = operation["responses"]
    del responses["4XX"]
    unexpected = next(iter(responses["5XX"]["content"].values()))
    unexpected["example"] = {"error": UNEXPECTED} if is_v2(path) else PROBLEM | {"detail": UNEXPECTED}
    responses["5XX"]["description"] = "The service failed."
    has_body = "requestBody" in operation
    statuses = {"400"} | (set() if path in NEVER_LIMITED else {"429"}) | ({"503"} if path != "/livez" else set())
    statuses |= set() if is_open else {"401", "403"}
    statuses |= {"413", "415"} if has_body else set()
    statuses |= {"422"} if has_body or operation.get("parameters") else set()
    for status in sorted(statuses):
        if is_v2(path):
            _add_v2_error(responses, status)
        elif status in responses:
            common = list_meanings(map(describe, COMMON[status]))
            responses[status]["description"] = f"{responses[status]['description']} {common}"
        else:
            responses[status] = {"$ref": f"#/components/responses/{NAMES[status]}"}
    if is_v2(path):
        for status in ("404",) if "{version}" in path else ():
            _add_v2_error(responses, status)
    else:
        _name_problem_type(responses)
    operation["responses"] = dict(sorted(responses.items()))


def _add_v2_error(responses: Document, status: str) -> None:
    """/v2 answers 400 where /v1 answers 422."""
    status = "400" if status == "422" else status
    content = {"application/json": {"schema": ref("ProtocolError"), "example": {"error": "What is wrong."}}}
    responses.setdefault(status, {"description": "An error of the protocol.", "content": content})


def _name_problem_type(responses: Document) -> None:
    """Errors are of type application/problem+json."""
    for status, response in responses.items():
        if status[0] in "45" and (content := response.get("content")):
            response["content"] = {ProblemResponse.media_type: content["application/json"]}


@cache
def _common_response(status: str) -> Document:
    found = [describe(kind) for kind in COMMON[status]]
    response: Document = {
        "description": list_meanings(found),
        "content": {ProblemResponse.media_type: {"schema": ref("Problem"), "example": example(found[0])}},
    }
    _add_headers(status, response)
    return response


def _document_headers(operation: Document) -> None:
    for status, response in operation["responses"].items():
        if "$ref" not in response:
            _add_headers(status, response)


def _add_headers(status: str, response: Document) -> None:
    names = {"X-Request-Id"}
    names |= {"Location"} if status in ("303",) else set()
    names |= {"Retry-After"} if status in ("429", "503") else set()
    names |= {"WWW-Authenticate"} if status == "401" else set()
    named = response.setdefault("headers", {})
    named |= {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names) if name not in named}


@cache
def _examples() -> Document:
    examples: Document = json.loads(EXAMPLES.read_text())
    return examples


def _add_examples(operation: Document) -> None:
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        found = EXAMPLES_OF_OPERATIONS.get((operation["operationId"], name), PARAMETER_EXAMPLES.get(name))
        if found is not None and "example" not in parameter and parameter.get("required"):
            parameter["example"] = found
    recorded = _examples().get(operation["operationId"], {})
    for media_type, examples in recorded.get("request", {}).items():
        content = operation["requestBody"]["content"][media_type]
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    for status, by_type in recorded.get("responses", {}).items():
        for media_type, value in by_type.items():
            operation["responses"][status]["content"][media_type]["example"] = value
