"""The work of each kind of job: a new kind adds a function that does it, and a line to WORK."""

from worker.celery_app import settings, storage
from worker.runner import Finish, Run, Work


def _sweep(run: Run) -> Finish:
    from worker.sweep import sweep  # loaded with the first job of its kind

    return sweep(run, storage)


def _train(run: Run) -> Finish:
    from worker.training import train  # torch, which takes seconds to load, and which the parent process must not load

    return train(run, storage, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)


def _reproduce(run: Run) -> Finish:
    from worker.reproduction import reproduce  # torch, as above

    return reproduce(run, storage, data_dir=settings.data_dir, mnist_dir=settings.mnist_dir)


def _search(run: Run) -> Finish:
    from worker.search import advance  # Optuna, which takes a second to load

    return advance(run, max_queued=settings.max_queued)


WORK: dict[str, Work] = {
    "backprop_sweep": _sweep,
    "mnist_training": _train,
    "reproduction": _reproduce,
    "training_search": _search,
}
