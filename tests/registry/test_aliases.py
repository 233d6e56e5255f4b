import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from alembic import command

from app.db import Sessions
from app.errors import AliasMoved, ModelNotFound, NothingToRollBack, StorageUnavailable
from app.migrations.migrate import alembic_config
from app.registry import aliases, service
from app.registry.tables import Alias
from tests.registry.test_service import card, champion, register


@pytest.fixture
def three(sessions: Sessions) -> Sessions:
    """Versions 1, 2 and 3, each better than the one before it, so that 3 is champion."""
    for number in (1, 2, 3):
        assert register(sessions, f"job:{number}", test=0.995, validation=0.9950 + number / 10_000)[1]
    return sessions


def rows(sessions: Sessions, alias: str = "champion") -> list[tuple[int, str]]:
    return [(change.version, change.reason) for change in aliases.history(sessions, alias, limit=100)]


def test_history_says_who_served_from_when_until_when_and_why(three: Sessions) -> None:
    aliases.set_alias(three, "champion", "1", reason="set by a client: 3 confuses 4 and 9", force=True)
    assert rows(three) == [
        (1, "set by a client: 3 confuses 4 and 9"),
        (3, "promoted by job 3"),
        (2, "promoted by job 2"),
        (1, "promoted by job 1"),
    ]
    newest_first = aliases.history(three, "champion", limit=100)
    assert newest_first[0].until is None
    for later, earlier in pairwise(newest_first):
        assert earlier.since <= later.since == earlier.until
    assert len(aliases.history(three, "champion", limit=2)) == 2


def test_setting_what_is_set_leaves_no_trace(three: Sessions) -> None:
    before = rows(three)
    aliases.set_alias(three, "champion", "3")
    assert rows(three) == before


def test_alias_that_moved_meanwhile_is_not_set(three: Sessions) -> None:
    aliases.set_alias(three, "champion", "1", expected="3", force=True)
    for alias, expected, words in (
        ("champion", "3", "version 1"),
        ("champion", "x", "version 1"),
        ("new", "1", "not exist"),
    ):
        with pytest.raises(AliasMoved, match=words):
            aliases.set_alias(three, alias, "2", expected=expected)
    assert champion(three) == "1"
    with pytest.raises(AliasMoved):
        aliases.roll_back(three, "champion", expected="3")


def test_star_expects_that_the_alias_exists(three: Sessions) -> None:
    aliases.set_alias(three, "champion", "1", expected="*", force=True)
    assert champion(three) == "1"
    with pytest.raises(AliasMoved, match="not exist"):
        aliases.set_alias(three, "new", "1", expected="*")


def test_rollback_does_not_undo_what_somebody_else_did_meanwhile(three: Sessions) -> None:
    with pytest.raises(AliasMoved, match="just moved"):
        aliases.roll_back(three, "champion", load=lambda _: aliases.set_alias(three, "champion", "1", force=True))
    assert champion(three) == "1"


def test_rollbacks_go_back_step_by_step_and_end_at_the_first(three: Sessions) -> None:
    served = []
    for _ in range(2):
        aliases.roll_back(three, "champion")
        served.append(champion(three))
    assert served == ["2", "1"]
    assert rows(three)[:2] == [(1, "rollback from version 2"), (2, "rollback from version 3")]
    with pytest.raises(NothingToRollBack, match="before version 1"):
        aliases.roll_back(three, "champion")


def test_rollback_to_what_cannot_be_loaded_changes_nothing(three: Sessions) -> None:
    def load(version: str) -> None:
        assert service.resolve(three, version) == "2"  # it may read the database meanwhile
        raise StorageUnavailable("gone")

    with pytest.raises(StorageUnavailable):
        aliases.roll_back(three, "champion", load=load)
    assert champion(three) == "3"
    assert len(rows(three)) == 3


def test_rollback_after_a_rollback_and_a_new_version_goes_to_what_served_before_it(three: Sessions) -> None:
    aliases.roll_back(three, "champion")  # 3 -> 2
    aliases.set_alias(three, "champion", "3")
    aliases.roll_back(three, "champion")
    assert champion(three) == "2"
    aliases.roll_back(three, "champion")
    assert champion(three) == "1"


def test_alias_that_nobody_set_has_no_history(sessions: Sessions) -> None:
    with pytest.raises(ModelNotFound, match="no alias"):
        aliases.history(sessions, "champion", limit=1)
    with pytest.raises(ModelNotFound, match="no alias"):
        aliases.roll_back(sessions, "champion")


def at_once(*calls: Callable[[], None]) -> list[Exception]:
    """What the calls raise when they start at the same moment."""
    barrier, raised = threading.Barrier(len(calls)), []

    def run(call: Callable[[], None]) -> None:
        barrier.wait()
        try:
            call()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_first_promotions_at_the_same_moment_all_end_well_and_the_best_serves(sessions: Sessions) -> None:
    promoted: dict[str, bool] = {}

    def promote(name: str, accuracy: float) -> None:
        promoted[name] = register(sessions, f"job:{name}", test=0.995, validation=accuracy)[1]

    calls = [lambda n=n: promote(str(n), 0.99 + n / 10_000) for n in range(8)]  # type: ignore[misc]
    assert at_once(*calls) == []
    assert promoted["7"]
    assert service.get(sessions, "champion")[0].source == "job:7"
    history = aliases.history(sessions, "champion", limit=100)
    assert len(history) == sum(promoted.values())
    assert [change.until for change in history].count(None) == 1


def test_of_several_that_expect_the_same_version_one_wins(three: Sessions) -> None:
    def set_to(version: str) -> None:
        aliases.set_alias(three, "champion", version, expected="3", force=True)

    raised = at_once(lambda: set_to("1"), lambda: set_to("2"), lambda: set_to("1"), lambda: set_to("2"))
    assert [type(error) for error in raised] == [AliasMoved] * 3
    assert len(rows(three)) == 4


def test_aliases_of_an_older_database_get_a_first_row(sessions: Sessions) -> None:
    with sessions.writing() as session:
        version = service.register(session, source="a", card=card(0.995, 0.995), files={})
    aliases.set_alias(sessions, "champion", version)
    writing = sessions.engine.execution_options(writes=True)
    for direction, revision in ((command.downgrade, "0003-1"), (command.upgrade, "head")):
        with writing.begin() as connection:
            direction(alembic_config(connection), revision)
    assert rows(sessions) == [(1, "set before there was a history")]
    with sessions.reading() as session:
        moved: Any = session.get(Alias, "champion")
        assert aliases.history(sessions, "champion", limit=1)[0].since == moved.changed_at
