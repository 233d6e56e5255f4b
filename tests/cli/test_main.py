import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from onnxruntime import get_available_providers
from typer.testing import CliRunner

from app.cli.main import cli
from app.db import create_database_engine
from app.errors import ConfigurationError
from app.processes.checks import exclusive_lock, require_free_port, require_writable
from tests.conftest import free_port
from tests.s3 import NO_CREDENTIALS, S3Server, credentials


def environment_in(folder: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "NUMERAL_DATA_DIR": str(folder)}


def numeral(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment_in(folder) | settings, timeout=120)


@pytest.mark.parametrize("command", ["up", "api", "worker", "migrate", "train", "predict", "jobs"])
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    assert numeral("--help", folder=tmp_path).stdout.count(command) >= 1
    found = numeral(command, "--help", folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")


def test_no_text_of_help_is_taken_for_markup_or_speaks_of_requests() -> None:
    for words in (["keys", "create"], ["submit", "train"], ["submit", "search"], ["submit", "sweep"], ["trace"]):
        shown = CliRunner().invoke(cli, [*words, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).output
        assert "/v1/" not in shown
        assert words != ["keys", "create"] or "default: predict" in shown


def test_broken_setting_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    found = numeral("api", folder=tmp_path, NUMERAL_PORT="eighty")
    assert found.returncode == 2
    assert found.stderr.startswith("error: NUMERAL_PORT")
    assert len(found.stderr.splitlines()) == 1


def test_port_in_use_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = numeral("up", "--port", str(taken.getsockname()[1]), folder=tmp_path)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1)
    assert "give another --port" in found.stderr


@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "no.such.host.invalid", "1:2"])
def test_host_of_another_machine_is_not_blamed_on_the_port(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"give another --host\.$"):
        require_free_port(host, free_port())


def test_data_folder_that_is_a_file_needs_no_rights(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for check in (require_writable, lambda folder: create_database_engine(f"sqlite:///{folder}/numeral.db")):
        with pytest.raises(ConfigurationError, match=r"it is a file, not a folder\. Give another --data-dir"):
            check(tmp_path / "file")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://here:secret@there/db",
        "postgresql://here:secret@there:port/db",
        "postgresql+none://here:secret@there/db",
        "sqlite:////proc/none/numeral.db",
        "sqlite://",
    ],
)
def test_unusable_database_is_one_sentence_without_its_password(tmp_path: Path, url: str) -> None:
    found = numeral("migrate", folder=tmp_path, NUMERAL_DATABASE_URL=url)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "cannot be used" in found.stderr
    assert "NUMERAL_DATABASE_URL" in found.stderr
    assert "secret" not in found.stderr


@pytest.mark.parametrize("command", ["up", "api", "worker"])
def test_no_part_starts_with_an_unusable_database_or_store(tmp_path: Path, command: str) -> None:
    for settings in ({"NUMERAL_DATABASE_URL": "mysql://here/db"}, {"NUMERAL_STORAGE_URL": "gs://bucket"}):
        found = numeral(command, folder=tmp_path, **settings)
        assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
        assert next(iter(settings)) in found.stderr


def test_database_of_a_newer_program_is_one_sentence(tmp_path: Path) -> None:
    numeral("migrate", folder=tmp_path)
    with sqlite3.connect(tmp_path / "numeral.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    found = numeral("up", "--port", str(free_port()), folder=tmp_path)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "newer version of this program" in found.stderr


@pytest.mark.parametrize(
    ("url", "words"), [("s3://bucket", "no credentials"), ("/proc/none", "cannot be made"), ("/proc", "right to write")]
)
def test_storage_that_cannot_be_used_is_one_sentence(tmp_path: Path, url: str, words: str) -> None:
    found = numeral("api", folder=tmp_path, NUMERAL_STORAGE_URL=url, **NO_CREDENTIALS)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert words in found.stderr


def test_bucket_that_does_not_exist_is_one_sentence(tmp_path: Path, s3_server: S3Server) -> None:
    found = numeral("api", folder=tmp_path, NUMERAL_STORAGE_URL="s3://nowhere", **credentials(s3_server.url))
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "The bucket nowhere does not exist" in found.stderr


@pytest.mark.skipif("CUDAExecutionProvider" in get_available_providers(), reason="built for CUDA")
@pytest.mark.parametrize("command", ["up", "api"])
def test_serving_device_that_is_not_there_is_one_sentence(tmp_path: Path, command: str) -> None:
    found = numeral(command, folder=tmp_path, NUMERAL_SERVING_DEVICE="cuda", NUMERAL_PORT=str(free_port()))
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "install onnxruntime-gpu" in found.stderr


def test_jobs_without_a_service_says_how_to_start_one(tmp_path: Path) -> None:
    found = numeral("jobs", "--url", "http://127.0.0.1:9", folder=tmp_path)
    assert found.returncode == 1
    assert "numeral up" in found.stderr


def test_train_writes_weights_onnx_and_card(tmp_path: Path) -> None:
    output = tmp_path / "trained"
    options = ("--dataset", "optdigits", "--epochs", "2", "--json", "--output", str(output))
    found = numeral("train", *options, folder=tmp_path)
    card = json.loads(found.stdout)
    assert card["epochs"][1]["epoch"] == 2
    files = ["card.json", "hardest.png", "model.onnx", "weights.safetensors"]
    assert sorted(path.name for path in output.iterdir()) == files


@pytest.mark.hostile
def test_interrupted_train_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    spec = ("--dataset", "optdigits", "--epochs", "4")
    numeral("train", *spec, "--output", str(tmp_path / "whole"), folder=tmp_path)
    command = [sys.executable, "-m", "app.cli", "train", *spec, "--output", str(tmp_path / "cut")]
    environment = environment_in(tmp_path)  # the same number of threads for all three
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as first:
        assert first.stderr is not None
        while "epoch   1 " not in first.stderr.readline():
            assert first.poll() is None
        first.send_signal(signal.SIGTERM)  # SIGINT is ignored where the tests run in the background
        first.stderr.read()
    assert first.returncode == 130
    second = numeral("train", *spec, "--output", str(tmp_path / "cut"), folder=tmp_path)
    assert "epoch   1 " not in second.stderr
    cards = [json.loads((tmp_path / name / "card.json").read_text()) for name in ("whole", "cut")]
    assert cards[0]["weights_sha256"] == cards[1]["weights_sha256"]
    assert [epoch["epoch"] for epoch in cards[1]["epochs"]] == [1, 2, 3, 4]
    assert not list((tmp_path / "cut").glob("checkpoint*"))


def test_output_that_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = numeral("train", "--dataset", "optdigits", "--output", str(tmp_path / "file"), folder=tmp_path)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "file cannot be written: it is a file, not a folder" in found.stderr


@pytest.mark.parametrize("name", ["a b", "50%", "what?", "x#y", "long" * 40])
def test_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    assert numeral("migrate", folder=tmp_path / name).returncode == 0
    assert (tmp_path / name / "numeral.db").is_file()


def test_second_service_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path):
        found = numeral("up", "--port", str(free_port()), folder=tmp_path)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "another --data-dir" in found.stderr


@pytest.mark.parametrize("option", [("--recipe", "slow"), ("--epochs", "0"), ("--device", "tpu")])
def test_train_refuses_what_the_api_would(tmp_path: Path, option: tuple[str, str]) -> None:
    found = numeral("train", *option, folder=tmp_path)
    assert (found.returncode, found.stderr.count("error: ")) == (2, 1), found.stderr


def test_train_refuses_a_batch_that_is_larger_than_the_data(tmp_path: Path) -> None:
    found = numeral("train", "--dataset", "optdigits", "--batch-size", "2000", folder=tmp_path)
    assert (found.returncode, len(found.stderr.splitlines())) == (1, 1), found.stderr
    assert "larger than the 1,197 training pictures" in found.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("REDIS_URL", "foo://bar"),
        ("STORAGE_URL", " "),
        ("STORAGE_URL", "s3:/bucket"),
        ("STORAGE_URL", "file://host/folder"),
        ("STALL_SECONDS", "1"),
    ],
)
def test_setting_that_cannot_work_is_one_sentence(tmp_path: Path, setting: str, value: str) -> None:
    environment = {f"NUMERAL_{setting}": value, "NUMERAL_PORT": str(free_port()), "NUMERAL_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "app.cli", "api"]
    found = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60)
    assert found.returncode in (1, 2)
    assert f"NUMERAL_{setting}" in found.stderr
    assert "Traceback" not in found.stderr
