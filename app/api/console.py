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
async def index(request: Request) -> Response:
    """The console."""
    return send(request, "index.html")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The API reference: Swagger UI over /openapi.json."""
    return send(request, "docs.html")


@router.get("/favicon.ico")
async def favicon() -> FileResponse:
    """The icon, for programs that look for it only here."""
    return FileResponse(FILES["icon.svg"], headers=HEADERS)


@router.get("/console/{name:path}")
async def console_file(name: str, request: Request) -> Response:
    """A file of the console."""
    if name not in FILES:
        raise PageNotFound(f"The console has no file {name!r}.")
    return send(request, name)


def send(request: Request, name: str) -> Response:
    """The file, packed where the client can unpack it (a third of the bytes), or 304 if the client has it as it is."""
    path, stat = FILES[name], FILES[name].stat()
    etag = f'W/"{stat.st_mtime_ns:x}-{stat.st_size:x}"'  # weak: the same for the packed file
    headers = HEADERS | {"Vary": "Accept-Encoding", "ETag": etag}
    if etag in map(str.strip, request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)  # with all of them: the browser replaces those that it has
    if path.suffix not in PACKED or "gzip" not in request.headers.get("accept-encoding", ""):
        return FileResponse(path, headers=headers, stat_result=stat)
    headers["Content-Encoding"] = "gzip"
    return Response(_pack(path, stat.st_mtime_ns), headers=headers, media_type=guess_type(name)[0])


@lru_cache(maxsize=256)
def _pack(path: Path, _: int) -> bytes:
    """Returns the file as gzip; the time of its last change is a part of the key."""
    return gzip.compress(path.read_bytes())
