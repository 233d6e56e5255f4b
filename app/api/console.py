"""The pages at / and /docs. All that they load comes from app/console."""

import gzip
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from app.api.security_headers import PAGE_POLICY
from app.errors import PageNotFound

router = APIRouter(include_in_schema=False)

CONSOLE = Path(__file__).parents[1] / "console"
SENT = (".html", ".css", ".js", ".svg", ".txt", ".woff2")
PACKED = (".css", ".js", ".svg")
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
def console_file(name: str, request: Request) -> Response:
    """A file of the console, packed where the client can unpack it: a third of the bytes."""
    if name not in FILES:
        raise PageNotFound(f"The console has no file {name!r}.")
    path, headers = FILES[name], HEADERS | {"Vary": "Accept-Encoding"}
    if path.suffix not in PACKED or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return FileResponse(path, headers=headers)
    content = _pack(path, path.stat().st_mtime_ns)
    return Response(content, headers=headers | {"Content-Encoding": "gzip"}, media_type=guess_type(name)[0])


@lru_cache(maxsize=256)
def _pack(path: Path, _: int) -> bytes:
    """Returns the file as gzip; the time of its last change is a part of the key."""
    return gzip.compress(path.read_bytes())
