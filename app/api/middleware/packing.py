"""Compresses large answers for clients that accept gzip."""

import zlib

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.headers import find_header

MIN_PACKED_BYTES = 4_096
MAX_INLINE_BYTES = 65_536  # packed on the event loop, in a millisecond
MAX_PACKING_THREADS = 2
MEDIA_TYPES = (b"application/json", b"image/svg+xml", b"text/markdown", b"text/html", b"text/csv")
LEVEL = 1  # a result of 12 MB takes a tenth of a second, and becomes a third as large
GZIP = 16 + zlib.MAX_WBITS


class Packing:
    """ASGI middleware: an answer of one piece and of a type that shrinks is sent with Content-Encoding: gzip.

    Starlette's GZipMiddleware is not used: it compresses on the event loop, where a large result takes a second.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._threads = app, CapacityLimiter(MAX_PACKING_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = find_header(scope, b"accept-encoding") if scope["type"] == "http" else None
        if accepted is None or not _accepts_gzip(accepted):
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def send_packed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _may_shrink(message):
                start = message  # its length depends on the body
                return
            if start is not None:
                head, start = start, None
                if not message.get("more_body") and len(message.get("body", b"")) >= MIN_PACKED_BYTES:
                    message = {**message, "body": await self._pack(message["body"])}
                    head = {**head, "headers": _packed_headers(head["headers"], len(message["body"]))}
                await send(head)
            await send(message)

        await self._app(scope, receive, send_packed)

    async def _pack(self, body: bytes) -> bytes:
        if len(body) <= MAX_INLINE_BYTES:
            return zlib.compress(body, LEVEL, GZIP)
        return await to_thread.run_sync(zlib.compress, body, LEVEL, GZIP, limiter=self._threads)


def _accepts_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _may_shrink(head: Message) -> bool:
    headers = dict(head["headers"])
    media_type = headers.get(b"content-type", b"").partition(b";")[0]
    return media_type in MEDIA_TYPES and b"content-encoding" not in headers


def _packed_headers(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [header for header in headers if header[0] != b"content-length"]
    packed = [(b"content-encoding", b"gzip"), (b"content-length", str(length).encode()), (b"vary", b"accept-encoding")]
    return [*kept, *packed]
