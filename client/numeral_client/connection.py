"""Where the service is, and when a request is sent again: what both clients decide alike."""

from __future__ import annotations

import ipaddress
import os
import random
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

import httpx

from numeral_client import errors
from numeral_client.calls import Call, Flow

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
BUSY = (429, 503)
MAX_PORT = 65_535


@dataclass(frozen=True)
class Connection:
    """The address, the key, and how often a request is repeated."""

    url: str
    key: str | None
    retries: int
    trust_env: bool

    @classmethod
    def of(cls, url: str | None, key: str | None, *, retries: int, trust_env: bool | None) -> Connection:
        """What is not given comes from NUMERAL_URL and NUMERAL_API_KEY. `http://` may be left out."""
        url = url or os.environ.get("NUMERAL_URL") or DEFAULT_URL
        url = url if "://" in url else f"http://{url}"
        try:
            host, port = httpx.URL(url).host, httpx.URL(url).port
        except httpx.InvalidURL as error:
            raise errors.NumeralError(f"{url!r} is no address: {error}.") from error
        if not host or not url.startswith(("http://", "https://")):
            raise errors.NumeralError(f"{url!r} is no address of HTTP, such as http://127.0.0.1:8000.")
        if port is not None and not 0 < port <= MAX_PORT:
            raise errors.NumeralError(f"{url!r} is no address: a port is a number from 1 to {MAX_PORT:,}.")
        key = key or os.environ.get("NUMERAL_API_KEY") or None
        if key and not (key.isascii() and key.isprintable()):  # the key itself is not repeated
            raise errors.NumeralError(
                "The API key has characters that no key has, such as a line break. Copy it again."
            )
        if trust_env is None:
            trust_env = not _is_loopback(host)
        base = url.rstrip("/").removesuffix("/v1")  # with which each path begins
        return cls(base, key, retries, trust_env)

    @property
    def options(self) -> dict[str, Any]:
        """Those of httpx.Client."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"base_url": self.url, "headers": headers, "trust_env": self.trust_env}

    def open(self, kind: type[Any]) -> Any:
        """An httpx.Client or AsyncClient. Raises NumeralError for a proxy that httpx cannot use."""
        try:
            return kind(**self.options)
        except (ImportError, ValueError) as error:
            message = f"The proxy that the environment names cannot be used: {error}"
            raise errors.NumeralError(message) from error

    def send(self, call: Call[T]) -> Flow[T]:
        """Ask, again where that may help, and read the answer. Raises ApiError, ConnectionFailed."""
        for attempt in count():
            try:
                response = yield call.request
            except httpx.TransportError as error:
                yield self._pause_after_error(call, error, attempt)
            else:
                if (pause := self._pause_after_answer(response, attempt)) is None:
                    return call.read(response)
                yield pause
        raise AssertionError  # count() does not end

    def _pause_after_error(self, call: Call[Any], error: httpx.TransportError, attempt: int) -> float:
        """The seconds until the call is sent again. Raises ConnectionFailed if it is not."""
        never_arrived = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
        is_lost = call.is_repeatable and not isinstance(error, httpx.TimeoutException)
        found = errors.from_transport(error, self.url)
        if attempt >= self.retries or not (never_arrived or is_lost) or isinstance(found, errors.HostNotFound):
            raise found from None  # its words say what httpx's 30 frames do
        return self._pause(attempt)

    def _pause_after_answer(self, response: httpx.Response, attempt: int) -> float | None:
        """The seconds until the call is sent again; None where this is the answer."""
        wanted = errors.retry_after(response)
        if response.status_code not in BUSY or wanted is None or wanted > LONGEST_PAUSE_SECONDS:
            return None
        return max(wanted, self._pause(attempt)) if attempt < self.retries else None

    def _pause(self, attempt: int) -> float:
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0**attempt) * random.uniform(0.75, 1.25)


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"
