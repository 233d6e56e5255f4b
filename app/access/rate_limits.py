"""How many requests a key or an address may send, over all processes, without ever waiting for Redis.

Each process counts in its own memory and decides by that. Every half second a thread adds the new counts to those in
Redis and reads the sums. So several processes together may let through a little more than the limit: what arrives in
half a second. While Redis is unavailable, each process counts alone.
"""

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from limits.storage import Storage, storage_from_string
from redis.exceptions import RedisError

from app.errors import BrokerAway, ConfigurationError

SYNC_SECONDS = 0.5
PROBES = "5/second"  # of readiness, from one address, before they count for its limit
FAILURES = "10/minute"  # wrong keys from one address
MAX_SUBJECTS = 50_000  # in one window of one process; with more, the window starts again at zero
NAMESPACE = "numeral-limits"


class Count:
    """The requests of one subject in a window: those that Redis does not know yet, and the sum in Redis."""

    __slots__ = ("in_redis", "unsent")

    def __init__(self) -> None:
        self.unsent = self.in_redis = 0


class Window:
    """The counts of one rule, such as 100 per minute, in the current window."""

    def __init__(self, rule: RateLimitItem) -> None:
        self.rule, self.seconds, self.limit = rule, rule.get_expiry(), rule.amount
        self.number = 0
        self.counts: dict[str, Count] = {}

    def count_of(self, subject: str, now: float) -> Count:
        number = int(now // self.seconds)
        if number != self.number or len(self.counts) >= MAX_SUBJECTS:
            self.number, self.counts = number, {}
        found = self.counts.get(subject)
        if found is None:
            found = self.counts[subject] = Count()
        return found

    def remaining(self, now: float) -> float:
        """Seconds until the next window."""
        return self.seconds - now % self.seconds


class RateLimiter:
    """The rules for one kind of subject. Without rules, every request is allowed."""

    def __init__(
        self, name: str, rules: str | None, store: Storage | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._name, self._store, self._clock = name, store, clock
        self._windows = [Window(rule) for rule in parse_many(rules)] if rules else []
        self._lock = threading.Lock()

    def acquire(self, subject: str) -> float | None:
        """Count a request and return None; if a limit is reached, return the seconds to wait and count nothing."""
        if not self._windows:
            return None
        now, counts = self._clock(), []
        with self._lock:
            for window in self._windows:
                count = window.count_of(subject, now)
                if count.unsent + count.in_redis >= window.limit:
                    return window.remaining(now)
                counts.append(count)
            for count in counts:
                count.unsent += 1
        return None

    def sync(self) -> None:
        """Add the new counts to Redis and read the sums of all processes. Raises BrokerAway."""
        if self._store is None:
            return
        for window in self._windows:
            number, counts = window.number, window.counts
            for subject, count in list(counts.items()):
                if count.unsent:
                    self._sync_count(f"{NAMESPACE}/{self._name}/{window.rule}/{number}/{subject}", window, count)

    def _sync_count(self, key: str, window: Window, count: Count) -> None:
        sent = count.unsent
        try:
            total = self._store.incr(key, 2 * window.seconds, amount=sent) if self._store else 0
        except (RedisError, OSError) as error:
            raise BrokerAway("Redis is unavailable: each process counts for its rate limits alone.") from error
        with self._lock:
            count.unsent -= sent
            count.in_redis = total


class RateLimits:
    """The rate limits of one process: per key, per address, and for wrong keys."""

    def __init__(self, *, redis_url: str | None, per_key: str | None, per_address: str | None) -> None:
        store = open_store(redis_url) if redis_url else None
        self.per_key = RateLimiter("key", per_key, store)
        self.per_address = RateLimiter("address", per_address, store)
        self.failures = RateLimiter("failures", FAILURES, store)
        self.probes = RateLimiter("probes", PROBES)

    def sync(self) -> None:
        """Call it every SYNC_SECONDS from a thread. Raises BrokerAway."""
        for limiter in (self.per_key, self.per_address, self.failures):
            limiter.sync()


def open_store(redis_url: str) -> Storage:
    """The counts in Redis. Connects at the first use, and waits at most a second."""
    url = redis_url.replace("redis+socket://", "redis+unix://", 1) if urlsplit(redis_url).scheme else redis_url
    store = storage_from_string(url, socket_timeout=1.0, socket_connect_timeout=1.0)
    if not isinstance(store, Storage):
        raise ConfigurationError("NUMERAL_REDIS_URL must not be an async+ URL.")
    return store
