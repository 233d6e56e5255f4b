"""Writes docs/metrics.md from the code: python docs/make_metrics.py. tests/test_docs.py holds the page to it."""

from collections.abc import Iterator
from pathlib import Path

from app.metrics import metrics
from app.metrics.instruments import Counter, Gauge, Histogram

PAGE = Path(__file__).with_name("metrics.md")
HEAD = """# Metrics

What `GET /metrics` tells; [monitoring.md](monitoring.md) says how to read it. Counters and histograms begin at 0 with
each start of the service. No label value is chosen by a client. `docs/make_metrics.py` writes this page from
`app/metrics/metrics.py`.

| metric | type | labels | meaning |
|---|---|---|---|
"""
BUCKETS = """
## Buckets of the histograms

| metric | upper bounds |
|---|---|
"""


def make() -> str:
    """Returns the page."""
    histograms = [each for each in instruments() if isinstance(each, Histogram)]
    return HEAD + "".join(map(_row, instruments())) + BUCKETS + "".join(map(_buckets, histograms))


def instruments() -> Iterator[Counter | Histogram | Gauge]:
    """All of them, in the order of the code."""
    for each in (*vars(metrics.Metrics()).values(), *vars(metrics).values(), *metrics.TRAINING.values()):
        if isinstance(each, Counter | Histogram | Gauge):
            yield each


def _row(instrument: Counter | Histogram | Gauge) -> str:
    labels = ", ".join(f"`{label}`" for label in instrument.labels)
    return f"| `{instrument.name}` | {type(instrument).__name__.lower()} | {labels} | {instrument.text} |\n"


def _buckets(histogram: Histogram) -> str:
    return f"| `{histogram.name}` | {', '.join(f'{bound:g}' for bound in histogram.bounds)} |\n"


if __name__ == "__main__":
    PAGE.write_text(make())
