"""The headers of every response, and what is remembered of it for metrics and the audit log."""

import time
from dataclasses import dataclass, field

from starlette.types import Message, Send

from app.api.security_headers import DATA_POLICY, Headers

NEVER_ANSWERED = 499
CREATED = (200, 201, 202, 303)  # answers whose Location names what the request created
POLICY = (b"content-security-policy", DATA_POLICY.encode())  # where a response has none of its own
NOT_STORED = (b"cache-control", b"no-store")  # the same


@dataclass(slots=True)
class Outcome:
    """What is known of a response once it has begun."""

    started: float = field(default_factory=time.perf_counter)
    status: int = NEVER_ANSWERED
    seconds: float = 0.0
    location: str | None = None


def with_headers(send: Send, headers: Headers, request_id: str, outcome: Outcome) -> Send:
    """A `send` that adds `headers` and the request id to the response and fills in `outcome`."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            outcome.status, outcome.seconds = message["status"], time.perf_counter() - outcome.started
            own = message["headers"]
            merged, names = [*own, *headers, (b"x-request-id", request_id.encode())], [name for name, _ in own]
            if POLICY[0] not in names:
                merged.append(POLICY)
            if NOT_STORED[0] not in names:
                merged.append(NOT_STORED)
            if outcome.status in CREATED and b"location" in names:
                outcome.location = own[names.index(b"location")][1].decode()
            message["headers"] = merged
        await send(message)

    return send_with_headers
