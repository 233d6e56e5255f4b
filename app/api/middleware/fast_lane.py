"""The short way to raw routes, past FastAPI's own middleware and routing."""

from collections.abc import Awaitable

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.raw_route import RawRoutes


class FastLane:
    """ASGI middleware: answers raw routes, and passes on all other requests."""

    def __init__(self, app: ASGIApp, *, fastapi: FastAPI, raw_routes: RawRoutes) -> None:
        self._app, self._fastapi, self._raw_routes = app, fastapi, raw_routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        route = self._raw_routes.find(scope) if scope["type"] == "http" else None
        if route is None:
            return self._app(scope, receive, send)
        scope["app"], scope["route"] = self._fastapi, route
        return route.answer(scope, receive, send)
