"""All metrics of the service: whoever adds one names it here.

A process counts into the counters and histograms of `Metrics` as things happen. A gauge is read for each scrape: about
jobs in app/jobs/gauges.py, all others in app/api/metrics.py.
"""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.registry import Collector

from app.metrics.drift import REFERENCE, Counts
from app.metrics.instruments import Counter, Gauge, Histogram, read_sums
from app.metrics.shared_counters import SharedCounters

REQUEST_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
QUEUE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
BATCH_PICTURES = (1, 2, 4, 8, 16)

BUILD_INFO = Gauge("numeral_build_info", "What runs here; always 1.", "version", "python")
CHAMPION_INFO = Gauge(
    "numeral_champion_info", "The model version that answers in this process; always 1.", "model_version"
)
DRIFT_WINDOW_PREDICTIONS = Gauge(
    "numeral_drift_window_predictions", "Predictions of the last ten minutes, which the drift index is of."
)
DRIFT_INDEX = Gauge(
    "numeral_drift_index",
    "Population stability index of the last ten minutes against what the network learnt from, from 500 predictions on.",
    "statistic",
)
DATABASE_UP = Gauge(
    "numeral_database_up", "Whether the database answers; while it is 0, the gauges that are read from it are missing."
)
JOBS = Gauge(
    "numeral_jobs", "Jobs that are listed, by kind and status; it falls when jobs are deleted.", "kind", "status"
)
QUEUE_DEPTH = Gauge("numeral_queue_depth", "Jobs that wait for a worker, by queue.", "queue")
QUEUE_OLDEST_SECONDS = Gauge("numeral_queue_oldest_seconds", "Seconds that the oldest waiting job has waited.", "queue")
WORKERS = Gauge("numeral_workers", "Workers heard of in the last minute.", "device")
TRAINING_EPOCHS = Gauge("numeral_training_epochs", "Epochs of all trainings that are listed.")
TRAINING = {  # by the field of an epoch's event
    field: Gauge(f"numeral_training_{field}", text, "job")
    for field, text in (
        ("epoch", "Epochs that a running training has done."),
        ("train_loss", "Mean training loss of a running training in its last epoch."),
        ("validation_accuracy", "Its accuracy on the validation pictures after that epoch."),
        ("learning_rate", "Its learning rate at the end of that epoch."),
        ("images_per_second", "Pictures a second that it learnt from in that epoch."),
    )
}


class Metrics(Collector):
    """The counters and histograms of one process. Only the thread of its event loop may add to one, except that
    `lease_expiries` belongs to the dispatcher's thread."""

    def __init__(self, folder: Path | None = None) -> None:
        self.counters = counters = SharedCounters(folder)
        self.requests = Counter(
            counters,
            "numeral_http_requests_total",
            "Requests answered. route is a template, (none) where none matches; status 499: the client left.",
            "method",
            "route",
            "status",
        )
        self.request_seconds = Histogram(
            counters, "numeral_http_request_seconds", "Seconds from the request until its answer begins.",
            REQUEST_SECONDS, "method", "route",
        )  # fmt: skip
        self.refused = Counter(
            counters,
            "numeral_refused_total",
            "Requests refused before anything was done, by the name of the error, such as KeyMissing or RateLimited.",
            "reason",
        )
        self.predictions = Counter(
            counters,
            "numeral_predictions_total",
            "Pictures read. accepted is true, false, or not_judged for /v2, whose answers cannot say it.",
            "digit",
            "model_version",
            "accepted",
        )
        self.confidence = Histogram(
            counters, "numeral_prediction_confidence", "The probability of the digit that was found.",
            REFERENCE.confidence.bounds, "model_version",
        )  # fmt: skip
        self.ink = Histogram(
            counters, "numeral_prediction_ink", "Mean brightness of a picture as the network saw it, 0 to 1.",
            REFERENCE.ink.bounds,
        )  # fmt: skip
        self.queue_wait = Histogram(
            counters, "numeral_queue_wait_seconds", "Seconds that requests waited for the network.", QUEUE_SECONDS
        )
        self.batch_size = Histogram(
            counters, "numeral_batch_size", "Pictures that went through the network together.", BATCH_PICTURES
        )
        self.lease_expiries = Counter(
            counters,
            "numeral_lease_expiries_total",
            "Jobs that were taken from their worker: worker_lost, stalled.",
            "reason",
        )

    def collect(self) -> Iterator[Metric]:
        """The counters and histograms, summed over the processes."""
        sums = read_sums(self.counters)
        for instrument in vars(self).values():
            if isinstance(instrument, Counter | Histogram):
                yield instrument.family(sums)

    def drift_counts(self) -> Counts:
        """What Drift compares: how many predictions fell into each class, summed over the processes."""
        sums = read_sums(self.counters)
        return {
            "digit": self.predictions.sums_of(sums, "digit", [str(digit) for digit in range(10)]),
            "confidence": self.confidence.counts(sums),
            "ink": self.ink.counts(sums),
        }
