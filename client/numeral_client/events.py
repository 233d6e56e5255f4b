"""Server-Sent Events of a job, without the connection: bytes go in, events come out."""

from __future__ import annotations

import codecs
import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel

ENDED = ("succeeded", "failed", "cancelled")


class Event(BaseModel):
    """Something that happened to a job: `event` is status, epoch, trial, rung or log."""

    id: int
    event: str
    at: datetime
    data: dict[str, Any]

    @property
    def is_end(self) -> bool:
        return self.event == "status" and self.data.get("status") in ENDED


class EventDecoder:
    """Decodes one job's stream, over any number of connections; `last_id` is what the next one resumes after."""

    def __init__(self, *, after: int = 0) -> None:
        self.last_id = after
        self.is_ended = False
        self.connect()

    def connect(self) -> None:
        """A new connection begins: what the last one cut off is forgotten, and comes again."""
        self._text, self._fields = "", dict[str, str]()
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    @property
    def headers(self) -> dict[str, str]:
        resume = {"Last-Event-ID": str(self.last_id)} if self.last_id else {}
        return {"Accept": "text/event-stream"} | resume

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes."""
        *lines, self._text = (self._text + self._utf8.decode(chunk)).split("\n")
        found = [self._take(line.rstrip("\r")) for line in lines]
        return [event for event in found if event is not None]

    def _take(self, line: str) -> Event | None:
        if line:
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            before = self._fields.get("data") if name == "data" else None
            self._fields[name] = value if before is None else f"{before}\n{value}"
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields or "id" not in fields:  # a comment that keeps the connection alive
            return None
        data = json.loads(fields["data"])
        event = Event(id=int(fields["id"]), event=fields.get("event", "message"), at=data.pop("at"), data=data)
        self.last_id, self.is_ended = event.id, event.is_end
        return event
