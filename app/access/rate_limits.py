"""How many requests a key or an address may make, over all processes, without ever waiting for Redis.

Each process counts in its own memory and decides by that. Every half second a thread adds these counts to those in
Redis and learns what the other processes have let through. So several processes together may let through a little more
than the limit, by what comes in half a second; while Redis is away, each of them goes by its own count.
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
FAILURES = "10/minute"  # wrong keys from one address
MOST_SUBJECTS = 50_000  # in one window of one process; past that it starts to count anew
NAMESPACE = "numeral-limits"


class Counted:
    """What one subject has done in a window: here and not told yet, and everywhere by the last answer."""

    __slots__ = ("everywhere", "here")

    def __init__(self) -> None:
        self.here = self.everywhere = 0


class Window:
    """The counts of one rule, such as 100 per minute, in its present window."""

    def __init__(self, rule: RateLimitItem) -> None:
        self.rule, self.seconds, self.most = rule, rule.get_expiry(), rule.amount
        self.number = 0
        self.counts: dict[str, Counted] = {}

    def counted(self, subject: str, now: float) -> Counted:
        number = int(now // self.seconds)
        if number != self.number or len(self.counts) >= MOST_SUBJECTS:
            self.number, self.counts = number, {}
        found = self.counts.get(subject)
        if found is None:
            found = self.counts[subject] = Counted()
        return found

    def remaining(self, now: float) -> float:
        """Seconds until the next window."""
        return self.seconds - now % self.seconds


class RateLimits:
    """Some rules that hold for each subject; none at all let everything through."""

    def __init__(
        self, name: str, rules: str | None, store: Storage | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._name, self._store, self._clock = name, store, clock
        self._windows = [Window(rule) for rule in parse_many(rules)] if rules else []
        self._lock = threading.Lock()

    def take(self, subject: str) -> float | None:
        """Count a request. None if it may go on, otherwise, uncounted, in how many seconds to ask again."""
        if not self._windows:
            return None
        now, taken = self._clock(), []
        with self._lock:
            for window in self._windows:
                counted = window.counted(subject, now)
                if counted.here + counted.everywhere >= window.most:
                    return window.remaining(now)
                taken.append(counted)
            for counted in taken:
                counted.here += 1
        return None

    def sync(self) -> None:
        """Tell Redis what was counted here, and learn what all have counted. Raises BrokerAway."""
        if self._store is None:
            return
        for window in self._windows:
            number, counts = window.number, window.counts
            for subject, counted in list(counts.items()):
                if counted.here:
                    self._exchange(f"{NAMESPACE}/{self._name}/{window.rule}/{number}/{subject}", window, counted)

    def _exchange(self, key: str, window: Window, counted: Counted) -> None:
        told = counted.here
        try:
            total = self._store.incr(key, 2 * window.seconds, amount=told) if self._store else 0
        except (RedisError, OSError) as error:
            raise BrokerAway("Redis is away: rate limits are kept by each process for itself.") from error
        with self._lock:
            counted.here -= told
            counted.everywhere = total


class Limits:
    """The limits of one process: of keys, of addresses, and of wrong keys."""

    def __init__(self, *, redis_url: str | None, per_key: str | None, per_address: str | None) -> None:
        store = open_store(redis_url) if redis_url else None
        self.per_key = RateLimits("key", per_key, store)
        self.per_address = RateLimits("address", per_address, store)
        self.failures = RateLimits("failures", FAILURES, store)

    def sync(self) -> None:
        """To be called every half second, beside the event loop. Raises BrokerAway."""
        for each in (self.per_key, self.per_address, self.failures):
            each.sync()


def open_store(redis_url: str) -> Storage:
    """The counts in Redis; connects when first used, and never waits long."""
    url = redis_url.replace("redis+socket://", "redis+unix://", 1) if urlsplit(redis_url).scheme else redis_url
    store = storage_from_string(url, socket_timeout=1.0, socket_connect_timeout=1.0)
    if not isinstance(store, Storage):
        raise ConfigurationError("NUMERAL_REDIS_URL must not be an async+ URL.")
    return store
