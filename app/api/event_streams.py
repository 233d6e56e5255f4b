"""Job events as Server-Sent Events."""

import json
from collections.abc import AsyncIterator, Sequence

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.api.job_documents import rfc3339
from app.jobs.tables import JobEvent


async def encode_events(feed: AsyncIterator[Sequence[JobEvent]]) -> AsyncIterator[bytes]:
    """Yields the events of a feed as bytes, and a comment for an empty sequence, which keeps the connection alive."""
    async for events in feed:
        yield b"".join(map(_encode_event, events)) or KEEPALIVE_COMMENT


def _encode_event(event: JobEvent) -> bytes:
    data = json.dumps(event.data | {"at": rfc3339(event)})
    return format_sse_event(data_str=data, event=event.event, id=str(event.number))
