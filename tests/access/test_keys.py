from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.access import keys as service
from app.access.keyring import Keyring
from app.cli.main import cli
from app.db import Sessions
from app.errors import ApiKeyNotFound, KeysUnknown
from tests.api_keys import prepare


def test_key_is_found_by_the_ring_and_kept_as_a_digest_only(sessions: Sessions) -> None:
    key, whole = service.create(sessions, "somebody", ["train", "predict"], valid_for=timedelta(days=1))
    ring = Keyring(sessions)
    with pytest.raises(KeysUnknown):
        _ = ring.had_keys
    ring.refresh()
    record = ring.find(whole.encode())
    assert record
    assert (record.id, record.scopes) == (key.id, {"predict", "train"})
    row = service.list_(sessions)[0]
    assert whole.split("_")[2] not in str(vars(row))
    assert len(whole.split("_")[2]) == 64


@pytest.mark.parametrize("change", [b"", b"x", b"numeral_", b"numeral_0000000000_", b"\xff" * 80])
def test_made_up_keys_are_nobodys(sessions: Sessions, change: bytes) -> None:
    _, whole = service.create(sessions, "somebody", ["predict"])
    ring = Keyring(sessions)
    ring.refresh()
    assert ring.find(change) is None
    assert ring.find(whole.encode()[:-1] + change) is None
    assert ring.find(whole.encode() + b"0") is None


def test_key_that_does_not_exist_cannot_be_revoked(sessions: Sessions) -> None:
    with pytest.raises(ApiKeyNotFound, match="keys list"):
        service.revoke(sessions, "0000000000")


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["create", "x", "--scope", "root"], "no scope", 2),
        (["create", "x", "--expires", "soon"], "90d", 2),
        (["create", "x", "--expires", "0d"], "90d", 2),
        (["create", "", "--scope", "admin"], "80 letters", 2),
        (["revoke", "0000000000"], "keys list", 1),
    ],
)
def test_commands_about_keys_say_what_they_take(tmp_path: Path, arguments: list[str], words: str, code: int) -> None:
    _, sessions = prepare(tmp_path)
    sessions.close()
    done = CliRunner().invoke(cli, ["keys", *arguments, "--data-dir", str(tmp_path)])
    assert done.exit_code == code
    assert words in done.stderr


def test_command_lists_what_it_made_and_revoked(tmp_path: Path) -> None:
    _, sessions = prepare(tmp_path)
    sessions.close()

    def run(*arguments: str) -> str:
        return CliRunner().invoke(cli, ["keys", *arguments, "--data-dir", str(tmp_path)]).stdout

    first = run("create", "first", "--scope", "train", "--scope", "predict", "--expires", "90d").strip()
    second = run("create", "second").strip()
    run("revoke", second)
    lines = run("list").splitlines()
    assert [line.split()[:3] for line in lines] == [
        [first.split("_")[1], "predict,train", "good"], [second.split("_")[1], "predict", "revoked"],
    ]  # fmt: skip
    assert not any(key in "".join(lines) for key in (first, second))
