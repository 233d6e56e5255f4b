from pathlib import Path

import pytest

from app.config import Settings
from app.errors import ConfigurationError
from tests.cli.test_main import numeral

URL = "postgresql://numeral:0123456789abcdef@postgres/numeral"


def test_setting_comes_from_the_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    monkeypatch.setenv("NUMERAL_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert Settings().database_url == URL


def test_variable_goes_before_the_file_as_a_child_process_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMERAL_DATABASE_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Settings()
    (tmp_path / "none").write_text(URL)
    monkeypatch.setenv("NUMERAL_DATABASE_URL", "sqlite:////somewhere/else.db")
    assert Settings().database_url == "sqlite:////somewhere/else.db"


def test_secret_of_a_file_is_handed_to_child_processes_as_the_name_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "k8sTz_0123456789abcdefghijklmnopqrstuv"
    for name, content in {"DATABASE_URL": URL, "ADMIN_KEY": key, "PORT": "8123"}.items():
        (tmp_path / name).write_text(content)
        monkeypatch.setenv(f"NUMERAL_{name}_FILE", str(tmp_path / name))
    settings = Settings()
    assert (settings.database_url, settings.admin_key, settings.port) == (URL, key, 8123)
    assert key not in repr(settings)
    handed_on = settings.as_environment()
    assert not {URL, key} & set(handed_on.values())
    assert handed_on["NUMERAL_DATABASE_URL_FILE"] == str(tmp_path / "DATABASE_URL")
    for name, value in handed_on.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_secret_of_the_env_file_is_not_handed_on_as_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"NUMERAL_DATABASE_URL={URL}\nNUMERAL_PORT=8123\n")
    monkeypatch.chdir(tmp_path)
    handed_on = Settings().as_environment()
    assert (URL in handed_on.values(), handed_on["NUMERAL_PORT"]) == (False, "8123")
    assert Settings(database_url="sqlite:////x.db").as_environment()["NUMERAL_DATABASE_URL"] == "sqlite:////x.db"


def test_file_of_a_setting_can_be_named_in_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text(URL)
    (tmp_path / ".env").write_text(f"NUMERAL_DATABASE_URL_FILE={tmp_path / 'url'}\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().database_url == URL
    (tmp_path / "url").unlink()
    with pytest.raises(ConfigurationError, match="NUMERAL_DATABASE_URL_FILE"):
        Settings()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("postgresql://numeral:change-me@postgres/numeral", "a weak password"),
        ("postgresql://postgres/numeral", "no password"),
        ("postgresql://numeral:pass@[postgres/numeral", "no URL that can be read"),
    ],
)
def test_secret_that_is_none_is_one_sentence_and_a_non_zero_exit(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "url").write_text(content)
    for command in ("api", "worker") if content is None else ("api",):
        found = numeral(command, folder=tmp_path, NUMERAL_DATABASE_URL_FILE=str(tmp_path / "url"))
        assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
        assert found.stderr.startswith(f"error: NUMERAL_DATABASE_URL_FILE names {tmp_path / 'url'}")
        assert reason in found.stderr
        assert "change-me" not in found.stderr


@pytest.mark.parametrize(
    ("name", "meant"),
    [("NUMERAL_DATADIR", "NUMERAL_DATA_DIR"), ("NUMERAL_MAX_QUEUE", "NUMERAL_MAX_QUEUED"),
     ("NUMERAL_ADMIN_KEYFILE", "NUMERAL_ADMIN_KEY_FILE"), ("numeral_log_fromat", "NUMERAL_LOG_FORMAT")],
)  # fmt: skip
def test_misspelt_setting_is_refused_with_the_nearest_name(
    name: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"{name}=1\n")
    with pytest.raises(ConfigurationError, match=f"no setting {name.upper()}. Did you mean {meant}\\?"):
        Settings()


def test_variables_of_an_orchestrator_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes makes such variables for a service that is named numeral."""
    for name in ("SERVICE_HOST", "SERVICE_PORT", "PORT_8000_TCP", "PORT_8000_TCP_PROTO", "VERSION", "API_KEY"):
        monkeypatch.setenv(f"NUMERAL_{name}", "1")
    assert Settings().port == 8000
