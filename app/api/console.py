"""The pages at / and /docs. All that they load comes from app/console."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from app.api.security_headers import PAGE_POLICY
from app.errors import PageNotFound

router = APIRouter(include_in_schema=False)

CONSOLE = Path(__file__).parents[1] / "console"
SENT = (".html", ".css", ".js", ".svg", ".txt")
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


@router.get("/console/{name:path}")
async def console_file(name: str, request: Request) -> Response:
    """A file of the console."""
    if name not in FILES:
        raise PageNotFound(f"The console has no file {name!r}.")
    return send(request, name)


def send(request: Request, name: str) -> Response:
    """The file, or 304 if the client has it as it is."""
    answer = FileResponse(FILES[name], headers=HEADERS, stat_result=FILES[name].stat())
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if answer.headers["etag"] not in known:
        return answer
    # A browser puts these in place of the headers that it has; without a policy, the page would get that of the API.
    return Response(status_code=304, headers=HEADERS | {"ETag": answer.headers["etag"]})
