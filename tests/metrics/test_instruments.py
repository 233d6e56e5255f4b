import math

from prometheus_client import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from app.metrics.instruments import Counter, Gauge, Histogram, read_sums
from app.metrics.shared_counters import SharedCounters


class OneFamily(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]


def read(family: Metric) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus' own reader makes of the text of a family."""
    families = text_string_to_metric_families(generate_latest(OneFamily(family)).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counter_reads_back_whatever_its_labels_hold() -> None:
    counters = SharedCounters(None)
    counter = Counter(counters, "a_total", "Some text.", "x", "y")
    strange = ('quote " and \\ and\nline', "é\tü")
    counter.add(1, *strange)
    counter.add(2.5, *strange)
    counter.add(1, "b", "c")
    assert read(counter.family(read_sums(counters))) == {
        ("a_total", (("x", strange[0]), ("y", strange[1]))): 3.5,
        ("a_total", (("x", "b"), ("y", "c"))): 1,
    }


def test_histogram_counts_what_is_at_most_each_bound() -> None:
    counters = SharedCounters(None)
    histogram = Histogram(counters, "h", "Some text.", (0.5, 1, 2), "x")
    for value in (0.1, 0.5, 0.7, 1, 5):
        histogram.observe(value, "a")
    found = read(histogram.family(read_sums(counters)))
    assert [found["h_bucket", (("le", le), ("x", "a"))] for le in ("0.5", "1", "2", "+Inf")] == [2, 4, 4, 5]
    assert (found["h_count", (("x", "a"),)], found["h_sum", (("x", "a"),)]) == (5, 7.3)
    assert histogram.counts(read_sums(counters)) == [2, 2, 0, 1]


def test_gauge_reads_back() -> None:
    found = read(Gauge("g", "Some text.", "a").family({("b",): 0.25, ("c",): float("nan")}))
    assert found["g", (("a", "b"),)] == 0.25
    assert math.isnan(found["g", (("a", "c"),)])
    assert read(Gauge("g", "Some text.").family({(): 1})) == {("g", ()): 1}


def test_sums_over_other_labels() -> None:
    counters = SharedCounters(None)
    counter = Counter(counters, "a_total", "Some text.", "digit", "version")
    for digit, version in (("1", "1"), ("1", "2"), ("2", "1")):
        counter.add(1, digit, version)
    assert counter.sums_of(read_sums(counters), "digit", ["0", "1", "2"]) == [0, 2, 1]
