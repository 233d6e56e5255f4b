"""Clients of the protocol that nobody here wrote, in an environment of their own: some need other versions."""

import hashlib
import json
import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.training.data import Dataset

CLIENTS = Path(__file__).with_name("clients")
PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
CACHE = Path(__file__).parents[3] / ".clients_cache"  # kept between sessions; making it takes a minute


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter that has the clients."""
    requirements = CLIENTS / "requirements.txt"
    name = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder, done = CACHE / name, CACHE / f"{name}.done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", requirements], check=True, capture_output=True)
        done.touch()
    return folder / "bin/python"


@pytest.fixture(scope="module")
def pixels(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """Eight pictures in a file, and which digits they are."""
    file = tmp_path_factory.mktemp("pixels") / "pixels.npy"
    np.save(file, mnist.test.images[:8].numpy().astype(np.float32).reshape(-1, 1, 28, 28) / 255)
    return file, mnist.test.labels[:8].tolist()


def run(python: Path, script: str, api: httpx.Client, pixels: Path) -> Any:
    """What a client's script prints."""
    url = f"127.0.0.1:{api.base_url.port}"
    found = subprocess.run([python, CLIENTS / script, url, pixels], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr[-3000:]
    return json.loads(found.stdout)


@pytest.mark.timeout(900)
def test_triton_client_with_its_defaults(python: Path, api: httpx.Client, pixels: tuple[Path, list[int]]) -> None:
    file, digits = pixels
    found = run(python, "triton.py", api, file)
    assert (found["live"], found["ready"], found["model ready"]) == (True, True, [True, True])
    assert found["nobody ready"] == [False, False]
    assert (found["server"]["name"], found["model"]["inputs"][0]["shape"]) == ("numeral", [-1, 1, 28, 28])
    assert found["index"][0] == {"name": "digits", "version": "1", "state": "READY", "reason": ""}
    assert found["statistics"]["model_stats"][0]["inference_stats"]["success"]["count"] > 0
    assert len(found["digits"]) == 8
    assert all(read == digits for read in found["digits"].values()), found["digits"]
    assert np.argmax(found["probabilities"], axis=1).tolist() == digits
    assert found["named"] == ["some id", ["digit"]]
    assert [int(row[0].partition(":")[2]) for row in found["best"]] == digits
    statuses = {"model": "404", "version": "404", "shape": "400", "output": "400", "time": "504", "metadata": "404"}
    assert {name: status for name, (status, _) in found["errors"].items()} == statuses
    assert not any("exception occurred in the client" in message for _, message in found["errors"].values())


@pytest.mark.timeout(900)
def test_triton_client_on_asyncio(python: Path, api: httpx.Client, pixels: tuple[Path, list[int]]) -> None:
    file, digits = pixels
    found = run(python, "triton_aio.py", api, file)
    assert (found["live"], found["ready"], found["digits"]) == (True, True, digits)
    assert found["model"]["outputs"][1] == {"name": "digit", "datatype": "INT64", "shape": [-1]}
    assert found["index"][0]["name"] == "digits"
    assert int(np.argmax(found["packed"])) == digits[0]
    assert found["refusal"][0] == "404"


@pytest.mark.timeout(900)
def test_client_made_from_the_protocols_document(
    python: Path, api: httpx.Client, pixels: tuple[Path, list[int]]
) -> None:
    file, digits = pixels
    found = run(python, "open_inference.py", api, file)
    assert found["server"] == "numeral"
    assert found["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 28, 28]}]
    assert (found["nested"]["outputs"][1]["name"], found["nested"]["outputs"][1]["data"]) == ("digit", digits)
    assert (found["flat"]["id"], [output["data"] for output in found["flat"]["outputs"]]) == ("x", [digits])
    assert len(found["refusals"]) == 2


@pytest.mark.timeout(900)
@pytest.mark.parametrize("options", [(), ("--binary-data",), ("--batch-size", "3")])
def test_mlserver_infer(
    python: Path, api: httpx.Client, pixels: tuple[Path, list[int]], tmp_path: Path, options: tuple[str, ...]
) -> None:
    file, digits = pixels
    rows = [
        {"inputs": [{"name": "image", "shape": [1, 1, 28, 28], "datatype": "FP32", "data": row.ravel().tolist()}]}
        for row in np.load(file)
    ]
    asked, answered = tmp_path / "asked.txt", tmp_path / "answered.txt"
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [python, "-c", "from mlserver.cli import main; main()", "infer", "-m", "digits", "-i", asked]
    url = ["-u", f"127.0.0.1:{api.base_url.port}", "-o", answered]
    found = subprocess.run([*command, *url, *options], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr[-3000:]
    answers = [json.loads(line) for line in answered.read_text().splitlines()]  # as they came
    answers.sort(key=lambda answer: int(answer["parameters"]["batch_index"]))
    outputs = [{output["name"]: output["data"] for output in answer["outputs"]} for answer in answers]
    assert [output["digit"] for output in outputs] == [[digit] for digit in digits]
    assert [int(np.argmax(output["probabilities"])) for output in outputs] == digits


@pytest.mark.timeout(900)
def test_example_of_the_page(python: Path, api: httpx.Client, tmp_path: Path) -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    example = example.replace("127.0.0.1:8000", f"127.0.0.1:{api.base_url.port}")
    found = subprocess.run([python, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr[-3000:]
    [(printed, probability)] = re.findall(r"# (\[7\]) ([0-9.]+)$", example, re.MULTILINE)
    assert found.stdout.split()[0] == printed
    assert float(found.stdout.split()[1]) == pytest.approx(float(probability), abs=1e-5)
