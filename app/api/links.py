"""Links to the service's own resources, as its clients reach them: behind a proxy, perhaps under a path."""

from contextvars import ContextVar

ROOT_PATH: ContextVar[str] = ContextVar("root_path", default="")  # of this request (middleware/root_path.py)


def link(path: str) -> str:
    return ROOT_PATH.get() + path
