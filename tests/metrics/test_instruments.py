from prometheus_client.parser import text_string_to_metric_families

from app.metrics.instruments import Counter, Histogram, gauge
from app.metrics.shared_counters import Cells


def read(lines: list[str]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What Prometheus' own reader makes of the text."""
    families = text_string_to_metric_families("\n".join(lines) + "\n")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_counter_reads_back_whatever_its_labels_hold() -> None:
    cells = Cells(None)
    counter = Counter(cells, "a_total", "Some text.", "x", "y")
    strange = ('quote " and \\ and\nline', "é")
    counter.add(1, *strange)
    counter.add(2.5, *strange)
    counter.add(1, "b", "c")
    assert read(counter.write(cells.totals())) == {
        ("a_total", (("x", strange[0]), ("y", strange[1]))): 3.5,
        ("a_total", (("x", "b"), ("y", "c"))): 1,
    }


def test_histogram_counts_what_is_at_most_each_bound() -> None:
    cells = Cells(None)
    histogram = Histogram(cells, "h", "Some text.", (0.5, 1, 2), "x")
    for value in (0.1, 0.5, 0.7, 1, 5):
        histogram.observe(value, "a")
    found = read(histogram.write(cells.totals()))
    assert [found["h_bucket", (("le", le), ("x", "a"))] for le in ("0.5", "1", "2", "+Inf")] == [2, 4, 4, 5]
    assert (found["h_count", (("x", "a"),)], found["h_sum", (("x", "a"),)]) == (5, 7.3)
    assert histogram.counts(cells.totals()) == [2, 2, 0, 1]


def test_gauge_reads_back() -> None:
    lines = gauge("g", "Some text.", [({}, float("nan")), ({"a": "b"}, 0.25)])
    found = read(lines)
    assert found["g", (("a", "b"),)] == 0.25
    assert found["g", ()] != found["g", ()]


def test_sums_over_other_labels() -> None:
    cells = Cells(None)
    counter = Counter(cells, "a_total", "Some text.", "digit", "version")
    for digit, version in (("1", "1"), ("1", "2"), ("2", "1")):
        counter.add(1, digit, version)
    assert counter.sums(cells.totals(), "digit", ["0", "1", "2"]) == [0, 2, 1]
