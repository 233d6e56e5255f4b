"""What tests put in the place of slow and irrelevant things."""


class RecordedNotifier:
    """A WorkerNotifier that only remembers the queues that it was told of."""

    def __init__(self) -> None:
        self.notified: list[str] = []

    def notify(self, queue: str) -> None:
        self.notified.append(queue)

    def depth(self, queue: str) -> int | None:
        return self.notified.count(queue)

    def close(self) -> None:
        pass
