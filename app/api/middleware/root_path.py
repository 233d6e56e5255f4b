"""Under which path a proxy serves the API."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.links import ROOT_PATH


class RootPath:
    """ASGI middleware: tells the links of a request the path that a trusted proxy names, or the one of the settings.

    The path that was asked for does not contain it, and routes must not look for it there (ASGI's `root_path`).
    """

    def __init__(self, app: ASGIApp, *, default: str) -> None:
        self._app, self._default = app, default

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            ROOT_PATH.set(scope.pop("root_path", "") or self._default)
        return self._app(scope, receive, send)
