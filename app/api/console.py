"""The pages: the console at /, and /docs. Each has a Content-Security-Policy for its own scripts."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse

from app.api.security_headers import PAGE_POLICY, docs_policy
from app.errors import PageNotFound

router = APIRouter(include_in_schema=False)

CONSOLE = Path(__file__).parents[1] / "console"
FILES = {path.name: path for path in CONSOLE.iterdir() if path.is_file()}  # no other file is ever sent
DOCS = bytes(get_swagger_ui_html(openapi_url="/openapi.json", title="Numeral").body)
DOCS_POLICY = docs_policy(DOCS.decode())
CACHE = {"Cache-Control": "no-cache"}  # kept, and asked for again whether it has changed


@router.get("/")
async def home() -> FileResponse:
    return FileResponse(FILES["index.html"], headers=CACHE | {"Content-Security-Policy": PAGE_POLICY})


@router.get("/console/{name}")
async def console_file(name: str) -> FileResponse:
    """A file of the console."""
    if name not in FILES:
        raise PageNotFound(f"The console has no file {name!r}.")
    return FileResponse(FILES[name], headers=CACHE | {"Content-Security-Policy": PAGE_POLICY})


@router.get("/docs")
async def docs() -> Response:
    """Swagger UI. Its scripts come from a public server (see docs/security.md); /openapi.json needs none."""
    return Response(DOCS, media_type="text/html", headers=CACHE | {"Content-Security-Policy": DOCS_POLICY})
