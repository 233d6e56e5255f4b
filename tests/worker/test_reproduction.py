import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from app.cli.main import cli
from app.config import Settings
from app.db import Sessions
from app.errors import IdempotencyKeyReused, InvalidInput, ModelNotFound
from app.jobs import queries, runs, service
from app.jobs.events import event_data
from app.jobs.specs import MnistTrainingSpec, ReproductionSpec
from app.migrations.migrate import upgrade
from app.registry import aliases
from app.registry import service as registry
from app.registry.tables import ModelVersion
from app.storage import Storage, open_storage
from models.training.run import choose_precision
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.workers import run_job
from worker.reproduction import reproduce
from worker.runner import Finish, Run, run_next
from worker.training import train

TRAINING = MnistTrainingSpec.model_validate(
    {"kind": "mnist_training", "dataset": "optdigits", "epochs": 2, "seed": 7, "device": "cpu"}
)


def ask(version: str, **options: Any) -> ReproductionSpec:
    return ReproductionSpec.model_validate({"kind": "reproduction", "version": version} | options)


def train_version(sessions: Sessions, storage: Storage, data_dir: Path) -> None:
    """Train version 1, with the whole worker but for Celery."""
    job, _ = service.submit(sessions, TRAINING)
    run_job(sessions, job.id, lambda run: train(run, storage, data_dir=data_dir, mnist_dir=None))
    assert service.get(sessions, job.id).status == "succeeded"


def change_card(sessions: Sessions, change: Callable[[dict[str, Any]], None]) -> None:
    with sessions.writing() as session:
        version = session.get_one(ModelVersion, 1)
        card = json.loads(json.dumps(version.card))
        change(card)
        version.card = card


@pytest.fixture
def trained(sessions: Sessions, storage: Storage, tmp_path: Path) -> Sessions:
    train_version(sessions, storage, tmp_path)
    return sessions


@pytest.fixture
def result(trained: Sessions, storage: Storage, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Reproduces version 1 after a change of its card; the result."""

    def work(run: Run) -> Finish:
        return reproduce(run, storage, data_dir=tmp_path, mnist_dir=None)

    def run(change: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
        change_card(trained, change)
        job, _ = service.submit(trained, ask("1"))
        run_job(trained, job.id, work)
        done = service.get(trained, job.id)
        assert done.result is not None, done.error
        return done.result

    return run


def test_card_says_what_the_training_depended_on(trained: Sessions) -> None:
    card = registry.get(trained, "1")[0].card
    assert card["spec"] == TRAINING.model_dump(mode="json")
    assert (card["seed"], card["device"], card["precision"], card["gpu"]) == (
        7,
        "cpu",
        choose_precision("auto", torch.device("cpu")),
        None,
    )
    assert len(card["dataset"]["sha256"]) == 64
    assert card["threads"] >= 1
    assert {"torch", "numpy", "python"} <= card["libraries"].keys()
    assert card["commit"] is None or len(card["commit"]) >= 7
    assert card["cpu"]
    assert card["epochs"][-1]["weights_sha256"] == card["weights_sha256"] != card["epochs"][0]["weights_sha256"]
    assert 0 < card["pictures"]["accuracy"] < 1


def test_version_is_trained_again_to_the_same_weights(trained: Sessions, result: Callable[..., dict[str, Any]]) -> None:
    found = result()
    assert found["equal"] is True
    assert found["compared"] == "every epoch"
    assert found["weights_sha256"]["then"] == found["weights_sha256"]["now"]
    assert found["first_difference"] is None
    assert found["differences"] == []
    assert "equal" in found["detail"]
    job = queries.list_(trained).jobs[0]
    assert [epoch["epoch"] for epoch in event_data(trained, job.id, "epoch")] == [1, 2]
    assert len(registry.list_(trained)) == 1  # no new version


def test_first_epoch_that_differs_is_named_and_ends_the_training(
    trained: Sessions, result: Callable[..., dict[str, Any]]
) -> None:
    def change(card: dict[str, Any]) -> None:
        card["epochs"][1]["weights_sha256"] = card["weights_sha256"] = "0" * 64
        card["libraries"]["torch"] = "1.0"
        card["cpu"] = "another"

    found = result(change)
    assert found["equal"] is False
    assert found["first_difference"]["epoch"] == 2
    assert found["first_difference"]["then"]["weights_sha256"] == "0" * 64
    assert found["first_difference"]["now"]["train_loss"] > 0
    assert found["weights_sha256"]["now"] is None
    assert {row["what"]: row["then"] for row in found["differences"]} == {"libraries.torch": "1.0", "cpu": "another"}
    assert "from epoch 2 of 2" in found["detail"]
    job = queries.list_(trained).jobs[0]
    assert len(runs.checkpoints(trained, job.id)) == 1  # a run that resumes comes to the epoch that differs again


def test_training_with_another_seed_differs_from_the_first_epoch_on(result: Callable[..., dict[str, Any]]) -> None:
    def change(card: dict[str, Any]) -> None:
        card["seed"] = 8

    assert result(change)["first_difference"]["epoch"] == 1


def test_card_without_digests_of_epochs_is_compared_at_the_end_alone_and_that_is_said(
    result: Callable[..., dict[str, Any]],
) -> None:
    def change(card: dict[str, Any]) -> None:
        for epoch in card["epochs"]:
            del epoch["weights_sha256"]
        card["weights_sha256"] = "0" * 64
        del card["cpu"]

    found = result(change)
    assert (found["equal"], found["compared"], found["first_difference"]) == (False, "the end", None)
    assert "the end alone is compared" in found["detail"]
    assert [row["then"] for row in found["differences"] if row["what"] == "cpu"] == [None]


def test_version_keeps_its_threads(result: Callable[..., dict[str, Any]]) -> None:
    def change(card: dict[str, Any]) -> None:
        card["threads"] = 2

    assert "threads" not in {row["what"] for row in result(change)["differences"]}


def test_recipe_that_this_release_does_not_know_fails_with_the_reason(
    trained: Sessions, storage: Storage, tmp_path: Path
) -> None:
    def change(card: dict[str, Any]) -> None:
        card["recipe"]["telepathy"] = 0.5

    change_card(trained, change)
    job, _ = service.submit(trained, ask("1"))
    run_job(trained, job.id, lambda run: reproduce(run, storage, data_dir=tmp_path, mnist_dir=None))
    assert "telepathy" in (service.get(trained, job.id).error or {})["detail"]


def test_spec_names_the_version_that_an_alias_means_and_its_device(trained: Sessions) -> None:
    aliases.set_alias(trained, "mine", "1")
    job, _ = service.submit(trained, ask("mine"), idempotency_key="k")
    assert (job.spec["version"], job.spec["device"], job.queue) == ("1", "cpu", "training")
    with pytest.raises(ModelNotFound):
        service.submit(trained, ask("99"))

    def change(card: dict[str, Any]) -> None:
        del card["seed"]

    change_card(trained, change)
    with pytest.raises(InvalidInput, match="does not say seed"):
        service.submit(trained, ask("1"))
    assert service.submit(trained, ask("mine"), idempotency_key="k")[0].id == job.id
    with pytest.raises(IdempotencyKeyReused):
        service.submit(trained, ask("1"), idempotency_key="k")


class Reproducing(RecordedNotifier):
    """A notifier whose notifications start a thread of this process, which does reproductions."""

    def __init__(self, sessions: Sessions, storage: Storage, data_dir: Path) -> None:
        super().__init__()
        self._sessions, self._storage, self._data_dir = sessions, storage, data_dir
        self._threads: list[threading.Thread] = []

    def notify(self, queue: str) -> None:
        def work(run: Run) -> Finish:
            return reproduce(run, self._storage, data_dir=self._data_dir, mnist_dir=None)

        thread = threading.Thread(target=run_next, args=(self._sessions, queue, {"reproduction": work}))
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        for thread in self._threads:
            thread.join()
        self._sessions.close()


def test_command_says_equal_or_since_when_not(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port())
    upgrade(settings.resolved_database_url)
    sessions, storage = Sessions(settings.resolved_database_url), open_storage(settings)
    train_version(sessions, storage, tmp_path)
    with serve(settings, Reproducing(sessions, storage, tmp_path)) as client:
        url = ("--url", str(client.base_url))
        equal = CliRunner().invoke(cli, ["reproduce", "1", *url])
        assert (equal.exit_code, equal.stdout) == (
            0,
            "Version 1: equal. After 2 epochs it has the same weights, bit for bit.\n",
        )

        def change(card: dict[str, Any]) -> None:
            card["epochs"][0]["weights_sha256"] = "0" * 64

        change_card(sessions, change)
        differs = CliRunner().invoke(cli, ["reproduce", "1", "--json", *url])
        assert differs.exit_code == 1
        assert json.loads(differs.stdout)["first_difference"]["epoch"] == 1
        unknown = CliRunner().invoke(cli, ["reproduce", "99", *url])
        assert (unknown.exit_code, "no model version" in unknown.stderr) == (2, True)
        job_id = client.get("/v1/jobs", params={"kind": "reproduction"}).json()["items"][0]["id"]
        assert b"<svg" in client.get(f"/v1/jobs/{job_id}/plot.svg").content
