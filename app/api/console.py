"""The pages at / and /docs. All that they load comes from app/console."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from app.api.security_headers import PAGE_POLICY
from app.errors import PageNotFound

router = APIRouter(include_in_schema=False)

CONSOLE = Path(__file__).parents[1] / "console"
SENT = (".html", ".css", ".js", ".svg", ".txt", ".woff2")
FILES = {  # no other file is ever sent
    path.relative_to(CONSOLE).as_posix(): path
    for path in CONSOLE.rglob("*")
    if path.suffix in SENT or path.name in ("LICENSE", "NOTICE")
}
HEADERS = {  # kept, and asked for again whether it has changed
    "Cache-Control": "no-cache",
    "Content-Security-Policy": PAGE_POLICY,
}


@router.get("/")
async def draw() -> FileResponse:
    """Draw a digit."""
    return FileResponse(FILES["index.html"], headers=HEADERS)


@router.get("/docs")
async def docs() -> FileResponse:
    """The API reference: Swagger UI over /openapi.json."""
    return FileResponse(FILES["docs.html"], headers=HEADERS)


@router.get("/console/{name:path}")
async def console_file(name: str) -> FileResponse:
    """A file of the console."""
    if name not in FILES:
        raise PageNotFound(f"The console has no file {name!r}.")
    return FileResponse(FILES[name], headers=HEADERS)
