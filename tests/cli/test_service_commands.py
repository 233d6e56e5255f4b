"""The commands that ask a running service, in this process, on a real server."""

import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import VERSION
from app.access.authorization import HOW_TO_SEND
from app.cli.main import cli
from app.cli.service import name_commands
from app.config import Settings
from models.revision import find_commit
from tests.conftest import free_port
from tests.uploads import draw_digit

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
PAGE = SEVEN.parents[1] / "operations.md"
Numeral = Callable[..., Result]


def run(*arguments: object, stdin: bytes | None = None, exit_code: int = 0) -> Result:
    found = CliRunner().invoke(cli, [str(one) for one in arguments], input=stdin, prog_name="numeral")
    assert found.exit_code == exit_code, (found.output, found.exception)
    return found


@pytest.fixture
def numeral(working_service: str, monkeypatch: pytest.MonkeyPatch) -> Numeral:
    """The command line at a service whose jobs run; its address is given without http://."""
    monkeypatch.setenv("NUMERAL_URL", working_service.removeprefix("http://"))
    return run


@pytest.fixture
def idle_numeral(api: object, api_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Numeral:
    """The same at a service whose jobs stay queued."""
    monkeypatch.setenv("NUMERAL_URL", api_settings.url)
    return run


def test_predict_takes_files_folders_and_stdin(numeral: Numeral, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.png").write_bytes(draw_digit(1))
    (tmp_path / "notes.txt").write_text("no picture")
    found = numeral("predict", SEVEN, tmp_path, "-", stdin=SEVEN.read_bytes())
    lines = found.stdout.splitlines()
    assert [re.split(": |  ", line)[:2] for line in lines] == [
        [str(SEVEN), "7"], [str(tmp_path / "deep" / "one.png"), "1"], ["-", "7"]
    ]  # fmt: skip
    refused = numeral("predict", SEVEN, tmp_path / "notes.txt", exit_code=1)
    assert "not a PNG" in refused.stderr
    assert ": 7 " in refused.stdout
    assert json.loads(numeral("read", SEVEN, "--json").stdout)["text"] == "7"


def test_shipped_network_answers_as_the_service_does(numeral: Numeral) -> None:
    for command in ("predict", "read"):
        there, here = (json.loads(numeral(command, SEVEN, "--json", *way).stdout) for way in ((), ("--local",)))
        for name in {"digit", "accepted", "text", "lines"} & there.keys():
            assert here[name] == there[name]
    assert there["text"] == "7"
    assert "leave out" in numeral("predict", SEVEN, "--local", "--model", "mine", exit_code=2).stderr


def test_sweep_is_submitted_watched_shown_and_drawn(numeral: Numeral, tmp_path: Path) -> None:
    sweep = ("submit", "sweep", "--learning-rates", "0.1,2", "--epochs", 5, "--name", "a sweep", "--tags", "x,y")
    assert re.search(r"^best +2\.0$", numeral(*sweep, "--watch").stdout, re.MULTILINE)
    listed = numeral("jobs").stdout
    assert re.search(r"^[0-9a-f-]{8,}\s+backprop_sweep\s+succeeded\s+\d+ \w+\s.*a sweep", listed, re.MULTILINE)
    (job,) = json.loads(numeral("jobs", "list", "--json", "--name", "a sweep", "--tag", "y").stdout)
    assert (job["spec"]["learning_rates"], job["tags"]) == ([0.1, 2.0], ["x", "y"])
    assert job["id"] in numeral("jobs", "show", job["id"][:20]).stdout
    numeral("jobs", "plot", job["id"], "-o", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    refused = numeral("jobs", "plot", job["id"], "-o", tmp_path / "no" / "plot.png", exit_code=1).stderr
    assert f"no/plot.png cannot be written: there is no folder {tmp_path}/no." in refused
    numeral("jobs", "delete", job["id"])
    assert "No job" in numeral("jobs", "show", job["id"][:35], exit_code=1).stderr


def test_options_of_a_training_are_the_fields_of_its_spec(idle_numeral: Numeral, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('{"epochs": 2, "dataset": "optdigits"}')
    options = ("--batch-size", 32, "--no-nesterov", "--average-decay", "null", "--optimizer", "sgd", "--epochs", 3)
    first = idle_numeral("submit", "train", "--spec", spec, *options).stdout.strip()
    found = json.loads(idle_numeral("jobs", "show", first, "--json").stdout)["spec"]
    wanted = {"epochs": 3, "dataset": "optdigits", "batch_size": 32, "nesterov": False, "average_decay": None}
    assert {name: found[name] for name in wanted} == wanted
    second = idle_numeral("submit", "train", "--dataset", "optdigits", "--seed", 1).stdout.strip()
    compared = idle_numeral("jobs", "compare", first, second).stdout
    assert "BATCH_SIZE" in compared
    assert (
        "save it as .svg"
        in idle_numeral("jobs", "compare", first, second, "-o", tmp_path / "both.png", exit_code=1).stderr
    )
    idle_numeral("jobs", "compare", first, second, "-o", tmp_path / "both.svg")
    assert "</svg>" in (tmp_path / "both.svg").read_text()
    assert "is cancelled" in idle_numeral("jobs", "cancel", first, second).stdout
    assert "is queued" in idle_numeral("jobs", "retry", first).stdout
    assert "at most 200" in idle_numeral("submit", "train", "--epochs", 1000, exit_code=1).stderr
    assert "do you mean 'epochs'" in idle_numeral("submit", "train", "--spec", '{"epoch": 3}', exit_code=1).stderr


def test_search_takes_its_space_and_the_fields_of_its_trainings(idle_numeral: Numeral) -> None:
    space = ("--space", "learning_rate=0.01:0.5:log", "--space", "batch-size=32,64")
    options = ("--trials", 4, "--dataset", "optdigits", "--epochs", 2, "--json")
    spec = json.loads(idle_numeral("submit", "search", *space, *options).stdout)["spec"]
    assert spec["space"]["learning_rate"] == {"low": 0.01, "high": 0.5, "log": True}
    assert spec["space"]["batch_size"] == {"values": [32, 64]}
    assert (spec["base"], spec["trials"]) == ({"dataset": "optdigits", "epochs": 2}, 4)


def test_versions_are_listed_downloaded_and_promoted(numeral: Numeral, tmp_path: Path) -> None:
    assert re.search(
        r"^1\s+champion\s+\d+ \w+\s+mnist\s+robust\s+99\.58%", numeral("models", "list").stdout, re.MULTILINE
    )
    assert "9,958 of 10,000" in numeral("models", "show", "champion").stdout
    numeral("models", "download", "1", "-o", tmp_path / "files")
    assert {"card.json", "model.onnx"} <= {path.name for path in (tmp_path / "files").iterdir()}
    assert "spare is version 1" in numeral("models", "promote", "1", "--alias", "spare").stdout
    assert re.search(r"^spare\s+1\s.*set by a client", numeral("models", "aliases").stdout, re.MULTILINE)
    assert "error: " in numeral("models", "rollback", "--alias", "spare", exit_code=1).stderr
    numeral("models", "unalias", "spare")
    assert "spare" not in numeral("models", "aliases").stdout
    assert "error: " in numeral("models", "delete", "1", exit_code=1).stderr


def test_folder_becomes_a_data_set(numeral: Numeral, tmp_path: Path) -> None:
    for digit in (2, 3):
        (tmp_path / str(digit)).mkdir()
        (tmp_path / str(digit) / "a.png").write_bytes(draw_digit(digit))
    assert "ours has 2 pictures" in numeral("datasets", "upload", "ours", tmp_path).stdout
    assert re.search(r"^ours\s+2\s", numeral("datasets", "list").stdout, re.MULTILINE)
    assert '"2": 1' in numeral("datasets", "show", "ours").stdout
    drawn = json.loads(numeral("datasets", "sheet", "ours", "-o", tmp_path / "sheet.png", "--json").stdout)
    assert drawn == {"file": str(tmp_path / "sheet.png"), "bytes": (tmp_path / "sheet.png").stat().st_size}
    assert json.loads(numeral("datasets", "delete", "ours", "--json").stdout) == {"deleted": "ours"}


def test_commands_of_the_page(numeral: Numeral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = re.findall(r"^```sh\n(numeral submit.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    for picture in ("seven.png", "eight.png", "FOLDER/7/a.png"):
        (tmp_path / picture).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / picture).write_bytes(draw_digit(7))
    meant = {"2": "1"}  # the version that there is
    for line in block.splitlines():
        _, *words = shlex.split(line, comments=True)
        stdin = Path(words.pop()).read_bytes() if "<" in words else None
        numeral(*(meant.get(word, word) for word in words if word != "<"), stdin=stdin)
        if "train" in words:
            [first] = json.loads(numeral("jobs", "list", "--name", "first", "--limit", 1, "--json").stdout)
            second = numeral("submit", "train", "--dataset", "optdigits", "--epochs", 1).stdout.strip()
            meant |= {"01a224e7": first["id"], "01a224e7-6f": first["id"], "01a224e7-71": second}
    assert (tmp_path / "both.svg").is_file()
    numeral("datasets", "delete", "ours")


def test_trace_shows_each_formula_with_its_numbers(numeral: Numeral) -> None:
    shown = numeral("trace", "--learning-rate", 0.5, "--inputs", "0.05,0.1").stdout
    assert "h1 = w1 * i1 + w2 * i2 = 0.15 * 0.05 + 0.2 * 0.1 = 0.0275" in shown


def test_what_the_service_refuses_is_said_in_commands(numeral: Numeral) -> None:
    for words, command in {
        "jobs show 01a224df-abbe-7439-9cb0-502f69bdce1a": "`numeral jobs list`",
        "models show 4711": "`numeral models list`",
        "datasets show nothing": "`numeral datasets list`",
        "models unalias champion": "`numeral models promote VERSION --alias champion`",
        "submit train --epochs abc": "error: --epochs: a whole number",
        "submit train --batch-size -1 --tags x,x,,": "\n--tags.3: ",
        "models promote 1 --alias Trial": "error: --alias: ",
        f"predict {SEVEN} --model 4711": "`numeral models list`",
        f"predict {SEVEN} --model 4711 --json": "`numeral models list`",
    }.items():
        said = numeral(*words.split(), exit_code=1).output
        assert command in said
        assert "GET /v1/" not in said
        assert "body." not in said
    assert "`numeral models list`" in numeral("reproduce", "4711", exit_code=2).stderr


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (f"GET /v1/jobs needs an API key. {HOW_TO_SEND}.", "This command needs an API key. Set NUMERAL_API_KEY to it."),
        (
            "Give it another alias and ask for that with ?model=.",
            "Give it another alias and ask for that with --model.",
        ),
        ('To promote it, send "force": true; so', "To promote it, add --force; so"),
        ("body.base.batch_size: it is bad", "--batch-size: it is bad"),
        ("The request is not valid. body: adamw needs a learning_rate", "adamw needs a learning_rate"),
    ],
)
def test_requests_become_commands_and_fields_options(sentence: str, said: str) -> None:
    assert name_commands(sentence) == said


def test_file_that_cannot_be_used_is_named_with_the_reason(numeral: Numeral, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words, sentence in {
        f"models download 1 -o {tmp_path}/file": f"{tmp_path}/file cannot be written: it is a file, not a folder.",
        f"predict {tmp_path}/no.png": f"{tmp_path}/no.png: there is no such file",
        f"predict {tmp_path}/no.png --json": '"detail": "there is no such file"',
    }.items():
        said = numeral(*words.split(), exit_code=1).output
        assert sentence in said
        assert "Errno" not in said


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("nofile.json", "nofile.json cannot be read: there is no such file"),
        ("[1]", "must be an object"),
        ('{"epochs": 3', "is not JSON: see line 1, column 13"),
        (str(SEVEN), "is not JSON"),
        ('{"kind": "backprop_sweep"}', "of the kind backprop_sweep"),
    ],
)
def test_spec_that_cannot_be_meant_is_refused(spec: str, sentence: str) -> None:
    said = run("submit", "train", "--spec", spec, exit_code=2).stderr
    assert sentence in " ".join(re.sub("[│╭╰─╮╯]", " ", said).split())
    assert "base must be an object" in run(
        "submit", "search", "--space", "epochs=1,2", "--spec", '{"base": 1}', exit_code=2
    ).stderr  # fmt: skip


def test_what_cannot_be_reached_is_told_apart() -> None:
    assert "Connection refused" in run("models", "list", "--url", f"127.0.0.1:{free_port()}", exit_code=1).stderr
    assert "There is no host" in run("models", "list", "--url", "no.such.host.invalid:1", exit_code=1).stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("jobs list --limit abc", "a whole number is expected, not"),
        ("jobs --limit 1.5", "a whole number is expected, not"),
        ("api --port ''", "a whole number is expected, not"),
        ("gc --grace-minutes x", "a number is expected, not"),
    ],
)
def test_value_of_another_type_is_refused_in_plain_words(words: str, sentence: str) -> None:
    said = run(*shlex.split(words), exit_code=2).stderr
    assert sentence in said
    assert "Input" not in said


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str) -> None:
    script = run("completion", shell).stdout
    assert "_NUMERAL_COMPLETE=complete_" + shell in script


def test_completion_knows_the_fields_of_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_NUMERAL_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "numeral submit train --warm")
    monkeypatch.setenv("COMP_CWORD", "3")
    output = io.StringIO()
    monkeypatch.setattr("sys.stdout", output)
    with pytest.raises(SystemExit):
        cli(prog_name="numeral")
    assert output.getvalue().split() == ["--warmup"]


def test_version_names_the_commit() -> None:
    found = run("--version").stdout
    assert found.startswith(f"numeral {VERSION}")
    assert (find_commit() or "") in found
