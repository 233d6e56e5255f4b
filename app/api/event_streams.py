"""Job events as Server-Sent Events."""

import json
from collections.abc import AsyncIterator, Sequence

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.api.job_documents import rfc3339
from app.jobs.lifecycle import JobStatus
from app.jobs.tables import JobEvent

RETRY_MILLISECONDS = 10_000  # until a reader comes back after the end of the job: it is told 204 then


async def encode_events(feed: AsyncIterator[Sequence[JobEvent]]) -> AsyncIterator[bytes]:
    """Yields the events of a feed as bytes, and a comment for an empty sequence, which keeps the connection alive."""
    async for events in feed:
        yield b"".join(map(_encode_event, events)) or KEEPALIVE_COMMENT


def _encode_event(event: JobEvent) -> bytes:
    data = json.dumps(event.data | {"at": rfc3339(event)})
    retry = RETRY_MILLISECONDS if _is_end(event) else None
    return format_sse_event(data_str=data, event=event.event, id=str(event.number), retry=retry)


def _is_end(event: JobEvent) -> bool:
    return event.event == "status" and JobStatus(event.data["status"]).is_final
