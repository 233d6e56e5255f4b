"""Writes app/api/examples.json, the examples of the OpenAPI document, from the answers of a running service:
`python docs/make_examples.py --url URL`. It trains three small networks and needs a fresh service with its workers."""

import argparse
import base64
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

PLACE = Path(__file__).parents[1] / "app" / "api" / "examples.json"
JSON = "application/json"
MAX_ITEMS = 2  # of a list of objects
MAX_TEXT = 300  # characters of a text that is no JSON
BINARY = ("image/png", "application/zip", "application/octet-stream")


def draw_seven() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A seven in MNIST's format (28, 28)."""
    seven = np.zeros((28, 28), np.uint8)
    seven[5:7, 8:20] = 255
    for row in range(7, 23):
        seven[row, 18 - (row - 7) // 2 : 20 - (row - 7) // 2] = 255
    return seven


def as_base64(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


SEVEN = draw_seven()
IMAGE, PIXELS = {"image": as_base64(SEVEN)}, {"pixels": SEVEN.ravel().tolist()}
TENSOR = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": (SEVEN.ravel() // 255).tolist()}
SMALL = {"dataset": "optdigits", "epochs": 1}  # a training of seconds
REQUESTS: dict[str, dict[str, Any]] = {
    "predict": {"bytes": IMAGE, "pixels": PIXELS},
    "predictBatch": {"two": {"items": [IMAGE, IMAGE]}},
    "readDigits": {"bytes": IMAGE},
    "submitJob": {
        "backprop_sweep": {"kind": "backprop_sweep", "learning_rates": [0.5, 1.0], "epochs": 3},
        "mnist_training": {"kind": "mnist_training", **SMALL, "batch_size": 32},
        "training_search": {
            "kind": "training_search", "sampler": "random", "trials": 2,
            "base": SMALL, "space": {"batch_size": {"values": [32, 64]}},
        },
        "reproduction": {"kind": "reproduction", "version": "1"},
    },
    "retryJob": {"with changes": {"epochs": 2, "learning_rate": 0.05}},
    "extendSearch": {"one more": {"trials": 1}},
    "traceStep": {"the workbook's": {"learning_rate": 0.5}},
    "giveFeedback": {"bytes": {**IMAGE, "digit": 7}},
    "correctLabel": {"it is a seven": {"digit": 7}},
    "setAlias": {
        "a name for a version": {"version": "1"},
        "if it is still that": {"version": "1", "expected_version": "1", "reason": "better on fours"},
    },
    "rollBackAlias": {"if it is still that": {"expected_version": "1"}},
    "annotateModel": {"a note": {"note": "best on the scans"}},
    "infer": {"both outputs": {"inputs": [TENSOR]}, "the digit": {"inputs": [TENSOR], "outputs": [{"name": "digit"}]}},
    "inferWithVersion": {"both outputs": {"inputs": [TENSOR]}},
}  # fmt: skip


class Recorder:
    """Asks a service, and remembers its answers by operation."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        paths = client.get("/openapi.json").raise_for_status().json()["paths"]
        found = [
            (path, method, one["operationId"]) for path, methods in paths.items() for method, one in methods.items()
        ]
        self._places = {operation: (method, path) for path, method, operation in found}
        self.examples: dict[str, dict[str, Any]] = {
            name: {"request": {JSON: bodies}} for name, bodies in REQUESTS.items()
        }

    def record(
        self, operation: str, *, example: str | None = None, accept: str = JSON, query: Any = None, **path: str
    ) -> Any:
        """Send an operation with the example body of this name, by default the first one. Returns the answer."""
        bodies = REQUESTS.get(operation, {})
        body = bodies.get(example) if example else next(iter(bodies.values()), None)
        method, template = self._places[operation]
        headers = {"Accept": accept}
        answer = self._client.request(method, template.format(**path), json=body, params=query, headers=headers)
        answer.raise_for_status()
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        content = answer.json() if media_type == JSON else answer.text[:MAX_TEXT] if media_type not in BINARY else None
        if content is not None:
            responses = self.examples.setdefault(operation, {}).setdefault("responses", {})
            responses.setdefault(str(answer.status_code), {})[media_type] = shorten(content)
        return content

    def run_job(self, kind: str) -> str:
        """Submit the example of this kind, wait for its end, and return its id; or that of one that was done before."""
        self.record("submitJob", example=kind)
        while True:
            page = self._client.get("/v1/jobs", params={"kind": kind, "limit": 100}).raise_for_status().json()
            for job in page["items"]:
                if job["status"] == "succeeded" and job["search"] is None:
                    return str(job["id"])
            time.sleep(1)

    def record_all(self) -> None:
        for operation in ("predict", "predictBatch", "readDigits", "giveFeedback", "infer", "traceStep"):
            self.record(operation)
        self.record("inferWithVersion", version="1")
        for media_type in ("text/markdown", "text/html"):
            self.record("traceStep", accept=media_type)
        self.record("traceStepMarkdown")
        self.record("traceStepHtml")
        self.record("drawStepSvg")
        search, training, sweep = (
            self.run_job(kind) for kind in ("training_search", "mnist_training", "backprop_sweep")
        )
        self._record_jobs(sweep=sweep, training=training, search=search)
        self._record_models(self._client.get(f"/v1/jobs/{training}").json()["result"]["model_version"])
        for operation in ("listDatasets", "listRecipes", "getSystem", "getLiveness", "getReadiness", "getMetrics"):
            self.record(operation)
        self.record("getDataset", name="feedback")
        files = {"name": (None, "mine"), "file": ("mine.zip", zip_of_sevens())}
        self._remember("createDataset", self._client.post("/v1/datasets", files=files))
        self.record("listPictures", name="mine")
        self.record("correctLabel", name="mine", position="0")
        for operation in ("describeServer", "isLive", "isReady", "describeModel", "isModelReady", "getStatistics"):
            self.record(operation)
        for operation in ("getAllStatistics", "indexRepository"):
            self.record(operation)
        for operation in ("describeVersion", "isVersionReady", "getVersionStatistics"):
            self.record(operation, version="1")

    def _record_jobs(self, *, sweep: str, training: str, search: str) -> None:
        self.record("getJob", job_id=sweep)
        self.record("listJobEvents", job_id=training)
        self.record("listJobEvents", job_id=training, accept="text/event-stream")
        self.record("drawJobSvg", job_id=sweep)
        self.record("getCurvesCsv", job_id=sweep)
        for operation in ("listTrials", "listTrialsCsv", "drawParallelSvg", "drawImportanceSvg"):
            self.record(operation, job_id=search)
        self.record("compareJobs", query={"ids": training})
        self.record("drawComparisonSvg", query={"ids": training})
        self.record("retryJob", job_id=training)
        waiting = self.record("extendSearch", job_id=search)["id"]
        self.record("cancelJob", job_id=waiting)
        headers = {"Idempotency-Key": "example"}
        for _ in range(2):
            answer = self._client.post("/v1/jobs", json=REQUESTS["submitJob"]["backprop_sweep"], headers=headers)
        self._remember("submitJob", answer)
        self.record("listJobs", query={"limit": 2})

    def _record_models(self, version: str) -> None:
        for operation in ("getModel", "annotateModel"):
            self.record(operation, version=version)
        self.record("listModels")
        self.record("getModelFile", version="1", name="card.json")
        for name in ("1", version, "1"):
            self._client.put("/v1/models/aliases/stable", json={"version": name}).raise_for_status()
        self.record("setAlias", alias="champion")
        self.record("listAliases")
        for operation in ("getAlias", "listAliasChanges", "rollBackAlias"):
            self.record(operation, alias="stable")

    def _remember(self, operation: str, answer: httpx.Response) -> None:
        responses = self.examples.setdefault(operation, {}).setdefault("responses", {})
        responses[str(answer.raise_for_status().status_code)] = {JSON: shorten(answer.json())}


def shorten(value: Any) -> Any:
    """The value with two items of each list of objects."""
    if isinstance(value, dict):
        return {name: shorten(item) for name, item in value.items()}
    if isinstance(value, list):
        are_objects = any(isinstance(item, dict) for item in value)
        return [shorten(item) for item in (value[:MAX_ITEMS] if are_objects else value)]
    return value


def zip_of_sevens() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(3):
            archive.writestr(f"7/{number}.png", base64.b64decode(as_base64(np.roll(SEVEN, number - 1, axis=1))))
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    with httpx.Client(base_url=parser.parse_args().url, timeout=90) as client:
        recorder = Recorder(client)
        recorder.record_all()
    PLACE.write_text(write(recorder.examples))


def write(examples: dict[str, Any]) -> str:
    """The examples as JSON with a line for each operation."""
    lines = (f"{json.dumps(name)}: {json.dumps(example)}" for name, example in sorted(examples.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
