"""What a prediction costs: python benchmarks/predict.py

CPU time of the API and its decoder process per request, with one client, one connection and one picture per request,
without the client's own time; and the memory that they take for it at most, besides what they have already. For
comparison: the classifier alone on a 28x28 picture.
"""

import io
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from PIL import Image
from services import SEVEN, cpu_seconds, percentile, running, wait_until_predicting

from app.registry.service import SHIPPED
from models.inference.classifier import DigitClassifier

REQUESTS, PHOTO_REQUESTS = 2000, 50
PHOTO_SIZE = (3000, 4000)
NOISE = 5.0  # standard deviation of a photo's levels


def main() -> None:
    classifier, picture = DigitClassifier.load(SHIPPED / "model.onnx"), np.zeros((1, 28, 28), np.uint8)
    start = time.process_time()
    for _ in range(REQUESTS):
        classifier.predict(picture)
    print(f"classifier alone           CPU {1e3 * (time.process_time() - start) / REQUESTS:6.2f} ms")
    seven, photo = Image.open(SEVEN), draw_photo()
    pixels = np.asarray(seven.resize((28, 28))).tolist()
    tight = seven.crop(seven.point(lambda level: 255 * (level < 128)).getbbox())
    with running("api") as (client, process, _):
        wait_until_predicting(client)
        for name, count, request in (
            ("PNG, 320x400", REQUESTS, as_body(seven, "PNG")),
            ("PNG, 320x400 in colour", REQUESTS, as_body(seven.convert("RGB"), "PNG")),
            ("PNG, cut tightly, 14x24", REQUESTS, as_body(tight.resize((14, 24)), "PNG")),
            ("PNG, 28x28", REQUESTS, as_body(seven.resize((28, 28)), "PNG")),
            ("JSON, 28x28 pixels", REQUESTS, {"json": {"pixels": pixels}}),
            ("JPEG, 12 megapixels", PHOTO_REQUESTS, as_body(photo, "JPEG")),
            ("the same, progressive", PHOTO_REQUESTS, as_body(photo, "JPEG", progressive=True)),  # decoder process
        ):
            print(f"{name:26} {measure(client, process.pid, count, request)}", flush=True)


def draw_photo() -> Image.Image:
    """The example, as large and as noisy as a telephone's photo."""
    levels = np.asarray(Image.open(SEVEN).resize(PHOTO_SIZE), np.float32)[..., None]
    noise = np.random.default_rng(0).standard_normal((*levels.shape[:2], 3), np.float32) * np.float32(NOISE)
    return Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8))


def as_body(picture: Image.Image, kind: str, **options: bool) -> dict[str, Any]:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return {"content": file.getvalue(), "headers": {"Content-Type": f"image/{kind.lower()}"}}


def measure(client: httpx.Client, pid: int, count: int, request: dict[str, Any]) -> str:
    """CPU and time per request, and the most memory that it took, of `count` requests."""
    milliseconds, before, reset = [], cpu_seconds(pid), reset_peak_memory(pid)
    for _ in range(count):
        start = time.perf_counter()
        client.post("/v1/predict", **request).raise_for_status()
        milliseconds.append(1000 * (time.perf_counter() - start))
    cpu = 1e3 * (cpu_seconds(pid) - before) / count
    p50, p99 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
    memory = peak_memory(pid) - reset
    return f"CPU {cpu:6.2f} ms   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   {memory:4.0f} MB more"


def reset_peak_memory(pid: int) -> float:
    """Forget the most memory that the processes had. Returns what they have now, in MB."""
    for each in processes(pid):
        Path(f"/proc/{each}/clear_refs").write_text("5")
    return peak_memory(pid)


def peak_memory(pid: int) -> float:
    """MB; the peaks of all processes together."""
    status = [line for each in processes(pid) for line in Path(f"/proc/{each}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000


def processes(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


if __name__ == "__main__":
    main()
