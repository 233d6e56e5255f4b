from pathlib import Path

import pytest

from app.access import keys as service
from app.access.startup import is_loopback, require_keys
from app.config import Settings
from app.errors import ConfigurationError, SchemaOutdated
from tests.api_keys import make_key, prepare

GOOD = "k8sTz_0123456789abcdefghijklmnopqrstuv"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "numeral.example", ""])
def test_other_addresses_need_a_key_or_the_word(tmp_path: Path, host: str) -> None:
    settings, sessions = prepare(tmp_path, host=host)
    with pytest.raises(ConfigurationError, match=r"numeral keys create.*--insecure"):
        require_keys(settings)
    require_keys(settings.model_copy(update={"insecure": True}))
    service.revoke(sessions, make_key(sessions, "admin").split("_")[1])
    require_keys(settings)  # shut, but not open to everybody
    sessions.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_on_loopback_no_key_is_needed(tmp_path: Path, host: str) -> None:
    settings, sessions = prepare(tmp_path, host=host)
    sessions.close()
    assert is_loopback(host)
    require_keys(settings)


def test_where_a_container_is_published_decides_and_not_what_it_listens_on(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path, host="0.0.0.0", published_host="127.0.0.1")
    sessions.close()
    require_keys(settings)
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.1 without API keys"):
        require_keys(settings.model_copy(update={"published_host": "10.0.0.1"}))


@pytest.mark.parametrize(
    "content", ["password", "a" * 40, "0123456789 abcdefghijklmnopqrstuvwxyz", "é" * 40, "x" * 300]
)
def test_admin_key_that_can_be_guessed_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "key").write_text(content)
    monkeypatch.setenv("NUMERAL_ADMIN_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ConfigurationError, match=r"NUMERAL_ADMIN_KEY_FILE.*at random") as refused:
        Settings(data_dir=tmp_path)
    assert content not in str(refused.value)
    monkeypatch.delenv("NUMERAL_ADMIN_KEY_FILE")
    monkeypatch.setenv("NUMERAL_ADMIN_KEY", content)
    with pytest.raises(ValueError, match=r"admin_key[^*]*at random") as refused_value:
        Settings(data_dir=tmp_path)
    assert content not in str(refused_value.value)


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("", "is empty"), ("\n", "is empty")])
def test_admin_key_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    monkeypatch.setenv("NUMERAL_ADMIN_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ConfigurationError, match=rf"NUMERAL_ADMIN_KEY_FILE names {tmp_path / 'key'}.*{reason}"):
        Settings(data_dir=tmp_path)


def test_good_admin_key_opens_other_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{GOOD}\n")
    monkeypatch.setenv("NUMERAL_ADMIN_KEY_FILE", str(tmp_path / "key"))
    settings, sessions = prepare(tmp_path, host="0.0.0.0")
    sessions.close()
    require_keys(settings)


def test_another_schema_is_refused_and_a_database_that_is_away_is_not(tmp_path: Path) -> None:
    with pytest.raises(SchemaOutdated, match="numeral migrate"):
        require_keys(Settings(data_dir=tmp_path))
    require_keys(Settings(data_dir=tmp_path, host="0.0.0.0", database_url="postgresql://nobody@127.0.0.1:9/none"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_limit_per_key", "often"),
        ("cors_origins", "*"),
        ("cors_origins", "https://a.b/c"),
        ("insecure", "perhaps"),
    ],
)
def test_broken_setting_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: value})  # type: ignore[arg-type]
