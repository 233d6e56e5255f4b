from models.wording import counted


def test_one_has_no_plural() -> None:
    assert [counted(number, "sample") for number in (0, 1, 2000)] == ["0 samples", "1 sample", "2,000 samples"]
