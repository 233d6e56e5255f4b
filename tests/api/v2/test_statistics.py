from app.serving.statistics import Statistics


def test_what_was_answered_and_what_failed_is_counted_by_version() -> None:
    statistics = Statistics()
    statistics.failed("1", 5)  # nothing is known of a version 1 yet
    for _ in range(3):
        statistics.succeeded("1", pictures=4, phases=(10, 200, 30))
    statistics.failed("1", 7)
    first, second = statistics.describe("digits", ["1", "2"])["model_stats"]
    assert (first["name"], first["version"], first["inference_count"], first["execution_count"]) == (
        "digits",
        "1",
        12,
        3,
    )
    assert first["last_inference"] > second["last_inference"] == 0
    stats = first["inference_stats"]
    assert stats["success"] == {"count": 3, "ns": 720}
    assert stats["compute_infer"] == {"count": 3, "ns": 600}
    assert stats["fail"] == {"count": 1, "ns": 7}
    assert all(count == {"count": 0, "ns": 0} for count in second["inference_stats"].values())
    assert set(second["inference_stats"]) == set(stats) >= {"queue", "cache_hit", "cache_miss"}


def test_names_that_somebody_made_up_are_not_kept() -> None:
    statistics = Statistics()
    for number in range(1000):
        statistics.failed(f"made up {number}", 1)
    assert vars(statistics) == vars(Statistics())
