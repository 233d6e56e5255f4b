"""What tests put in the place of slow and irrelevant things."""


class RecordedNotifier:
    """A WorkerNotifier that only remembers its hints."""

    def __init__(self) -> None:
        self.hints: list[tuple[str, str, str]] = []

    def hint(self, job_id: str, kind: str, queue: str) -> None:
        self.hints.append((job_id, kind, queue))

    def depth(self, queue: str) -> int | None:
        return sum(hint[2] == queue for hint in self.hints)

    def close(self) -> None:
        pass
