"""What a prediction costs: python benchmarks/predict.py

CPU time of the API process per request, with one client, one connection and one picture per request, without the
client's own time. For comparison: the classifier alone on a 28x28 picture.
"""

import time

import numpy as np
from PIL import Image
from services import SEVEN, cpu_seconds, percentile, running, wait_until_predicting

from app.registry.service import SHIPPED
from models.inference.classifier import DigitClassifier

REQUESTS = 2000


def main() -> None:
    classifier, picture = DigitClassifier.load(SHIPPED / "model.onnx"), np.zeros((1, 28, 28), np.uint8)
    start = time.process_time()
    for _ in range(REQUESTS):
        classifier.predict(picture)
    print(f"classifier alone          CPU {1e6 * (time.process_time() - start) / REQUESTS:5.0f} us")
    pixels = np.asarray(Image.open(SEVEN).resize((28, 28))).tolist()
    with running("api") as (client, process, _):
        wait_until_predicting(client)
        for name, request in {
            "PNG body, 320x400": {"content": SEVEN.read_bytes(), "headers": {"Content-Type": "image/png"}},
            "JSON, 28x28 pixels": {"json": {"pixels": pixels}},
        }.items():
            milliseconds, before = [], cpu_seconds(process.pid)
            for _ in range(REQUESTS):
                start = time.perf_counter()
                assert client.post("/v1/predict", **request).is_success
                milliseconds.append(1000 * (time.perf_counter() - start))
            cpu = 1e6 * (cpu_seconds(process.pid) - before) / REQUESTS
            p50, p99 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.99)
            print(f"{name:25} CPU {cpu:5.0f} us   p50 {p50:5.2f} ms   p99 {p99:5.2f} ms")


if __name__ == "__main__":
    main()
