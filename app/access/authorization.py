"""Whether a request may come in: its key, the scope it needs, how often it asked, and from which page."""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit

from app.access.keyring import Keyring
from app.access.rate_limits import Limits
from app.access.scopes import KEY_IN_QUERY, READ, scopes_for
from app.access.startup import is_loopback
from app.errors import KeyInUrl, KeyMissing, KeyWrong, OriginRefused, RateLimited, ScopeMissing

HOW = "Send it as Authorization: Bearer KEY or X-API-Key: KEY"
MAX_KEY_BYTES = 512


@dataclass(slots=True)
class Caller:
    """Who asks, as far as the request says; `key_id` once the key was found to be good."""

    address: str
    request_id: str
    authorization: bytes = b""
    api_key: bytes = b""
    origin: bytes = b""
    host: bytes = b""
    key_id: str = ""


class Authorization:
    """The rules of one process. `is_insecure`: no key is ever needed. `is_local`: none as long as none was made."""

    def __init__(
        self,
        keyring: Keyring,
        limits: Limits,
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
        """Raise what stands against the request: KeyInUrl, KeyMissing, KeyWrong, ScopeMissing, RateLimited ..."""
        if query and KEY_IN_QUERY.search(unquote_plus(query.decode("latin-1"))):
            raise KeyInUrl(
                f"A key does not belong in a URL: histories, proxies and logs keep those. {HOW}. If this was a real "
                "key, revoke it and make another."
            )
        scopes = scopes_for(method, path)
        if not scopes or (self._is_metrics_open and path == "/metrics"):
            return
        self._identify(method, path, scopes, caller)
        self._slow_down(caller)

    def _identify(self, method: str, path: str, scopes: tuple[str, ...], caller: Caller) -> None:
        key = _key_of(caller)
        holder = self._keyring.find(key) if key else None
        if holder is None:
            if self._is_insecure:
                return
            if self._is_local and self._keyring.is_empty:
                self._require_this_machine(method, caller)
                return
            self._reject(key, method, path, scopes, caller)
        elif not holder.may(scopes):
            caller.key_id = holder.id
            raise ScopeMissing(
                f"{method} {path} needs a key with the scope {' or '.join(scopes)}; this one has "
                f"{', '.join(sorted(holder.scopes))}. GET /docs shows what there is."
            )
        else:
            caller.key_id = holder.id

    def _reject(self, key: bytes, method: str, path: str, scopes: tuple[str, ...], caller: Caller) -> None:
        if not key:
            raise KeyMissing(f"{method} {path} needs an API key with the scope {' or '.join(scopes)}. {HOW}.")
        wait = self._limits.failures.take(_network(caller.address))
        if wait is not None:
            raise RateLimited("Too many wrong keys came from this address.", retry_after=math.ceil(wait))
        raise KeyWrong(
            "This API key was never made, was revoked or has expired. `numeral keys list` shows those that work."
        )

    def _slow_down(self, caller: Caller) -> None:
        wait = self._limits.per_key.take(caller.key_id) if caller.key_id else None
        if wait is None:
            wait = self._limits.per_address.take(_network(caller.address))
        if wait is not None:
            raise RateLimited(
                "This key or address has made as many requests as it may for now.", retry_after=math.ceil(wait)
            )

    def _require_this_machine(self, method: str, caller: Caller) -> None:
        """Without keys, only programs of this machine: no page of another site in this machine's browser, neither by
        a form it sends nor by a name that it lets point here (DNS rebinding)."""
        if caller.host and not _is_this_machine(caller.host):  # HTTP/1.0 names none
            host = caller.host[:80].decode("latin-1")
            raise OriginRefused(
                f"Without keys this service answers on this machine only, not as {host!r}. Make a key with "
                "`numeral keys create`, or start it with --insecure."
            )
        if not caller.origin or method in READ:
            return
        origin = caller.origin.decode("latin-1")
        if origin not in self._origins and caller.origin != b"http://" + caller.host:
            raise OriginRefused(
                f"Without keys this service takes no such request from pages of {origin[:80]!r}; "
                "NUMERAL_CORS_ORIGINS may name that origin."
            )


@lru_cache(maxsize=64)
def _is_this_machine(host: bytes) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    """The address, or the /64 that an IPv6 client can choose its address from."""
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
