"""Decide about each request: by its key, the scope it needs, its rate limits, and the page that sent it."""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit

from app.access.keyring import Keyring
from app.access.rate_limits import RateLimits
from app.access.scopes import ADMIN, KEY_IN_PATH, KEY_IN_QUERY, NEVER_LIMITED, PROBES, READ, scopes_for
from app.access.startup import is_loopback
from app.errors import (
    KeyAmbiguous,
    KeyInUrl,
    KeyMissing,
    KeysUnknown,
    KeyWrong,
    OriginRefused,
    RateLimited,
    ScopeMissing,
)
from app.redaction import show_path

HOW_TO_SEND = "Send it as Authorization: Bearer KEY or X-API-Key: KEY"
MAX_KEY_BYTES = 512


@dataclass(slots=True)
class Caller:
    """Who sends a request, as its headers say. `key_id` is set once the key has been found valid."""

    address: str
    request_id: str
    authorization: bytes = b""
    api_key: bytes = b""
    origin: bytes = b""
    host: bytes = b""
    has_two_keys: bool = False  # in two headers of one name
    key_id: str = ""


class Authorization:
    """The rules. `is_insecure`: no request needs a key. `is_local`: none needs one until a key has been created."""

    def __init__(
        self,
        keyring: Keyring,
        limits: RateLimits,
        *,
        is_insecure: bool = False,
        is_local: bool = True,
        is_metrics_open: bool = False,
        origins: Sequence[str] = (),
    ) -> None:
        self._keyring = keyring
        self._limits = limits
        self._is_insecure, self._is_local, self._is_metrics_open = is_insecure, is_local, is_metrics_open
        self._origins = frozenset(origins)

    def authorize(self, method: str, path: str, query: bytes, caller: Caller) -> None:
        """Raise KeyInUrl, KeyMissing, KeyWrong, ScopeMissing, OriginRefused, RateLimited or KeysUnknown, or return."""
        if (query and KEY_IN_QUERY.search(unquote_plus(query.decode("latin-1")))) or (
            "numeral_" in path and KEY_IN_PATH.search(path)
        ):
            raise KeyInUrl(
                "A key does not belong in a URL, because browsers, proxies and logs keep URLs. "
                f"{HOW_TO_SEND}. If this was a real key, revoke it and create another."
            )
        scopes = scopes_for(method, path)
        if not scopes:
            self._require_rate_of_open_path(path, caller)
            return
        try:
            if not (self._is_metrics_open and path == "/metrics"):
                self._identify(method, path, scopes, caller)
        finally:  # a rejected request counts too
            self._require_rate(caller)

    def may_see_details(self, caller: Caller) -> bool:
        """Whether errors may name hosts, ports and folders: to `admin`, and to this machine where no key exists."""
        key = b"" if caller.has_two_keys else _key_of(caller)
        record = self._keyring.find(key) if key else None
        if record is not None:
            return record.has_any(ADMIN)
        try:
            return self._is_local and not self._keyring.had_keys
        except KeysUnknown:
            return False

    def _identify(self, method: str, path: str, scopes: tuple[str, ...], caller: Caller) -> None:
        key = _key_of(caller)
        if caller.has_two_keys or (key and caller.api_key and caller.api_key.strip()[:MAX_KEY_BYTES] != key):
            raise KeyAmbiguous(f"The request has more than one API key; send one. {HOW_TO_SEND}.")
        record = self._keyring.find(key) if key else None
        if record is None:
            if self._is_insecure:
                return
            if self._is_local and not self._keyring.had_keys:
                self._require_this_machine(method, caller)
                return
            self._reject(key, method, path, scopes, caller)
        elif not record.has_any(scopes):
            caller.key_id = record.id
            raise ScopeMissing(
                f"{method} {show_path(path)} needs a key with the scope {' or '.join(scopes)}; this one has "
                f"{', '.join(sorted(record.scopes))}. GET /docs lists the endpoints."
            )
        else:
            caller.key_id = record.id

    def _reject(self, key: bytes, method: str, path: str, scopes: tuple[str, ...], caller: Caller) -> None:
        if not key:
            raise KeyMissing(
                f"{method} {show_path(path)} needs an API key with the scope {' or '.join(scopes)}. {HOW_TO_SEND}."
            )
        wait = self._limits.failures.acquire(_network(caller.address))
        if wait is not None:
            raise RateLimited("Too many wrong keys came from this address.", retry_after=math.ceil(wait))
        raise KeyWrong(
            "This API key does not exist, was revoked or has expired. `numeral keys list` shows the valid ones."
        )

    def _require_rate_of_open_path(self, path: str, caller: Caller) -> None:
        if path in NEVER_LIMITED:
            return
        if path in PROBES and self._limits.probes.acquire(_network(caller.address)) is None:
            return
        self._require_rate(caller)

    def _require_rate(self, caller: Caller) -> None:
        """Requests without a key have a budget of their own, so that they exhaust nobody else's."""
        limits, network = self._limits, _network(caller.address)
        wait = limits.per_key.acquire(caller.key_id) if caller.key_id else None
        if wait is None:
            wait = limits.per_address.acquire(network if caller.key_id else f"{network} without a key")
        if wait is not None:
            raise RateLimited("This key or address has reached its rate limit.", retry_after=math.ceil(wait))

    def _require_this_machine(self, method: str, caller: Caller) -> None:
        """Without keys, serve programs of this machine only. Raises OriginRefused for a page of another site in this
        machine's browser, which may send a form or use a name that resolves to this machine (DNS rebinding)."""
        if caller.host and not _is_this_machine(caller.host):  # HTTP/1.0 has no Host
            host = caller.host[:80].decode("latin-1")
            raise OriginRefused(
                f"Without keys this service answers on this machine only, not as {host!r}. Create a key with "
                "`numeral keys create`, or start the service with --insecure."
            )
        if not caller.origin or method in READ:
            return
        origin = caller.origin.decode("latin-1")
        if origin not in self._origins and caller.origin != b"http://" + caller.host:
            raise OriginRefused(
                f"Without keys this service accepts no such request from pages of {origin[:80]!r}; "
                "NUMERAL_CORS_ORIGINS can allow that origin."
            )


@lru_cache(maxsize=64)
def _is_this_machine(host: bytes) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    """The address; for IPv6 its /64 network, in which one client can choose any address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def _key_of(caller: Caller) -> bytes:
    scheme, _, rest = caller.authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip()[:MAX_KEY_BYTES]
    return caller.api_key.strip()[:MAX_KEY_BYTES]
