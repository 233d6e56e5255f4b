"""The servers that benchmarks/serving.py compares: how each is started and asked, and in which environment it lives."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PRETRAINED = HERE.parents[1] / "models" / "pretrained"
MODEL, WEIGHTS = PRETRAINED / "model.onnx", PRETRAINED / "weights.safetensors"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "numeral-bench"
COMMON = ("numpy==2.4.6", "onnxruntime==1.32.0", "uvloop==0.23.0", "httptools==0.9.0")


@dataclass(frozen=True)
class Server:
    """`requirements` are of an environment made for it; without any, it lives in Numeral's own."""

    name: str
    command: Callable[[Path, int], list[str]]  # of the folder of the environment's programs, and a port
    request: bytes
    digit: Callable[[bytes], int]  # in the body of an answer
    requirements: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = HERE


def programs_of(server: Server) -> Path:
    """The folder of the environment's programs; it is made at the first use and kept outside the repository."""
    if not server.requirements:
        return Path(sys.executable).parent
    folder = CACHE / server.requirements[0].replace("==", "-")
    programs, is_complete = folder / "bin", folder / "complete"
    if not is_complete.exists():
        print(f"(installing {server.requirements[0]} into {folder})", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        install = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *server.requirements, *COMMON], check=True)
        is_complete.touch()
    return programs


def post(path: str, content_type: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {content_type}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def ours(picture: np.ndarray, png: bytes) -> list[Server]:
    """Numeral, asked in three ways for the digit of a picture uint8 (28, 28), given as PNG too."""
    tensor = (picture.astype(np.float32) / 255).tobytes()
    head = json.dumps(
        {
            "inputs": [{"name": "image", "shape": [1, 1, 28, 28], "datatype": "FP32",
                        "parameters": {"binary_data_size": len(tensor)}}],
            "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}],
        }
    ).encode()  # fmt: skip
    length = f"Inference-Header-Content-Length: {len(head)}"
    infer = post("/v2/models/digits/infer", "application/octet-stream", head + tensor, length)

    def api(programs: Path, port: int) -> list[str]:
        return [str(programs / "python"), "-m", "app.cli", "api", "--port", str(port)]

    return [
        Server("Numeral, binary tensor", api, infer, _digit_of_tensor),
        Server("Numeral, PNG", api, post("/v1/predict", "image/png", png), _digit),
        Server("Numeral, JSON", api, post("/v1/predict", "application/json", _pixels(picture)), _digit),
    ]


def rivals(picture: np.ndarray) -> list[Server]:
    """The others, asked with JSON: the 784 numbers, each in its own way."""
    body, data = _pixels(picture), (picture.astype(np.float32) / 255).ravel().tolist()
    tensor = {"name": "image", "shape": [1, 1, 28, 28], "datatype": "FP32", "data": data}
    infer = post("/v2/models/digits/infer", "application/json", json.dumps({"inputs": [tensor]}).encode())
    plain = post("/predict", "application/json", body)
    model = {"MODEL": str(MODEL), "PYTHONPATH": str(HERE)}
    quiet = model | {"BENTOML_DO_NOT_TRACK": "True"}
    logging = quiet | {"BENTO_ACCESS_LOG": "1"}

    def bentoml(programs: Path, port: int) -> list[str]:
        return [str(programs / "bentoml"), "serve", "bentoml_server:Digits", f"--port={port}"]

    return [
        Server("FastAPI, ONNX Runtime", _python("fastapi_server.py", "onnx", str(MODEL)), plain, _digit),
        Server("FastAPI, eager torch", _python("fastapi_server.py", "torch", str(WEIGHTS)), plain, _digit,
               environment={"PYTHONPATH": str(HERE.parents[1])}),
        Server("MLServer 1.7.1", lambda programs, _: [str(programs / "mlserver"), "start", "."],
               infer, _digit_of_outputs, ("mlserver==1.7.1",), model, HERE / "mlserver"),
        Server("LitServe 0.2.19", _python("litserve_server.py", str(MODEL)), plain, _digit, ("litserve==0.2.19",)),
        Server("BentoML 1.4.39", bentoml, plain, _digit, ("bentoml==1.4.39",), quiet),
        Server("BentoML, access log on", bentoml, plain, _digit, ("bentoml==1.4.39",), logging),
    ]  # fmt: skip


def _python(program: str, *arguments: str) -> Callable[[Path, int], list[str]]:
    return lambda programs, port: [str(programs / "python"), program, str(port), *arguments]


def _pixels(picture: np.ndarray) -> bytes:
    return json.dumps({"pixels": picture.ravel().tolist()}).encode()


def _digit(body: bytes) -> int:
    return int(json.loads(body)["digit"])


def _digit_of_tensor(body: bytes) -> int:
    return int(np.frombuffer(body[-40:], "<f4").argmax())


def _digit_of_outputs(body: bytes) -> int:
    return int(json.loads(body)["outputs"][0]["data"][0])
