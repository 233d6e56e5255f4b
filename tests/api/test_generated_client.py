"""The document, seen by a generator: openapi-python-client writes a client from it, without a warning; that works."""

import subprocess
import venv
from pathlib import Path

import httpx
import pytest

CONFIG = Path(__file__).parents[2] / "docs" / "examples" / "openapi-python-client.yml"
PICTURE = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
GENERATOR = "openapi-python-client==0.29.1"
PROGRAM = """
import io, sys
from generated.client import Client
from generated.api.jobs import list_job_events, submit_job
from generated.api.open_inference_protocol import infer
from generated.api.prediction import predict
from generated.models import BackpropSweepSpec, InferenceRequest, InputTensor
from generated.types import File

url, picture = sys.argv[1:]
client = Client(base_url=url, raise_on_unexpected_status=True)
spec = BackpropSweepSpec(kind="backprop_sweep", learning_rates=[0.5], epochs=2)
job = submit_job.sync(client=client, body=spec)
print(job.status.value, job.kind, job.spec.learning_rates)
events = list_job_events.sync(client=client.with_headers({"Accept": "application/json"}), job_id=job.id)
print(events.items[0].event, events.items[0].data.status.value)
content = open(picture, "rb").read()
prediction = predict.sync(client=client, body=File(payload=io.BytesIO(content), mime_type="image/png"))
print(prediction.digit, prediction.accepted)
tensor = InputTensor(name="image", datatype="FP32", shape=[1, 1, 28, 28], data=[0.0] * 784)
answer = infer.sync(client=client, body=InferenceRequest(inputs=[tensor]))
print(answer.model_name, [output.name for output in answer.outputs])
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter that has the generator, in an environment of its own: it needs another typer than the service."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, GENERATOR], check=True, capture_output=True)
    return python


@pytest.mark.hostile
def test_a_generated_client_submits_follows_predicts_and_infers(
    api: httpx.Client, python: Path, tmp_path: Path
) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(api.get("/openapi.json").content)
    command = [str(python), "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none"]
    command += ["--output-path", str(tmp_path / "generated"), "--config", str(CONFIG), "--fail-on-warning"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout + made.stderr
    program = [str(python), "-c", PROGRAM, str(api.base_url), str(PICTURE)]
    ran = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "queued backprop_sweep [0.5]",
        "status queued",
        "7 True",
        "digits ['probabilities', 'digit']",
    ]
