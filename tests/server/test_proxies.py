import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.api.links import link
from app.api.middleware.root_path import RootPath
from app.server.proxies import behind_proxies


async def answer_with_a_link(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(link("/v1/jobs"))(scope, receive, send)


@pytest.mark.parametrize(
    ("peer", "named", "found"),
    [
        ("10.0.0.1", "/one/numeral", "/one/numeral/v1/jobs"),
        ("10.0.0.1", "/one/", "/one/v1/jobs"),
        ("10.0.0.1", "/", "/set/v1/jobs"),
        ("10.0.0.1", "//other.example", "/set/v1/jobs"),
        ("10.0.0.1", "https://other.example", "/set/v1/jobs"),
        ("10.0.0.2", "/one", "/set/v1/jobs"),
    ],
)
def test_path_is_that_of_a_trusted_proxy(monkeypatch: pytest.MonkeyPatch, peer: str, named: str, found: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.1")
    app = behind_proxies(RootPath(answer_with_a_link, default="/set"))
    transport = httpx.ASGITransport(app, client=(peer, 1))  # type: ignore[arg-type]

    async def ask() -> str:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/", headers={"X-Forwarded-Prefix": named})).text

    assert asyncio.run(ask()) == found
