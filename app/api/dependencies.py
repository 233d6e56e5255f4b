"""What endpoints are handed: the parts that `create_app` built, out of the application's state."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.config import Settings
from app.db import Sessions
from app.jobs.queue import JobQueue
from app.serving.classifiers import Classifiers
from app.storage import Storage


@dataclass(frozen=True)
class Parts:
    """Everything that lives as long as the application."""

    settings: Settings
    sessions: Sessions
    storage: Storage
    queue: JobQueue
    classifiers: Classifiers


def get_parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsDependency = Annotated[Parts, Depends(get_parts)]
