"""Which proxies are believed: those that FORWARDED_ALLOW_IPS names, uvicorn's own variable."""

import os
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.config import check_root_path

HEADER = b"x-forwarded-prefix"


class TrustedProxies(ProxyHeadersMiddleware):
    """Takes client and scheme from X-Forwarded-For and -Proto, as uvicorn does, and the root path from -Prefix."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        if scope["type"] == "http" and (scope.get("client") or ("",))[0] in self.trusted_hosts:
            named = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
            with suppress(ValueError):  # then it is the one of the settings
                scope["root_path"] = check_root_path(named)
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]


def behind_proxies(app: ASGIApp) -> ASGIApp:
    """The app as it believes proxies, where any is trusted."""
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "")
    return TrustedProxies(app, trusted) if trusted else app  # type: ignore[arg-type]
