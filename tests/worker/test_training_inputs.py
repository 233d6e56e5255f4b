from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.datasets import feedback
from app.datasets import service as datasets
from app.db import Sessions
from app.errors import DatasetInUse, InvalidInput, ModelInUse
from app.jobs import retries, service
from app.jobs.inputs import require_dataset_unused, require_version_unused
from app.jobs.retries import retry, retry_with_changes
from app.jobs.specs import MnistTrainingSpec, ReproductionSpec, TrainingSearchSpec
from app.registry import aliases
from app.registry import service as registry
from app.storage.folder import FolderStorage
from models.datasets.pictures import split
from models.training.data import Dataset
from tests.workers import run_job
from worker.runner import Finish, Run
from worker.training import train
from worker.training_inputs import trace_lineage


@pytest.fixture
def work(storage: FolderStorage, tmp_path: Path, mnist_dir: Path) -> Any:
    def work(run: Run) -> Finish:
        return train(run, storage, data_dir=tmp_path, mnist_dir=mnist_dir)

    return work


@pytest.fixture
def mine(sessions: Sessions, storage: FolderStorage, optdigits: Dataset) -> datasets.Dataset:
    """200 pictures of optdigits as the data set `mine`."""
    images, labels = optdigits.train.images[:200, 0].numpy(), optdigits.train.labels[:200].numpy()
    pictures = split(images, labels.astype(np.uint8))
    return datasets.create(sessions, storage, "mine", pictures, [], max_bytes=10**7)


def submit(sessions: Sessions, **fields: Any) -> str:
    defaults = {"kind": "mnist_training", "dataset": "mine", "epochs": 1, "batch_size": 32}
    return service.submit(sessions, MnistTrainingSpec.model_validate(defaults | fields))[0].id


def result(sessions: Sessions, job_id: str, work: Any) -> dict[str, Any]:
    run_job(sessions, job_id, work)
    job = service.get(sessions, job_id)
    assert job.result is not None, job.error
    return job.result


def test_a_users_data_set_is_trained_on_and_named(
    sessions: Sessions, storage: FolderStorage, work: Any, mine: datasets.Dataset
) -> None:
    registry.install_shipped(sessions, storage)
    found = result(sessions, submit(sessions), work)
    assert found["dataset"] == {"name": "mine", "sha256": mine.sha256, "train": mine.splits["train"]}
    assert found["test"]["total"] == mine.splits["test"]
    assert (found["start_from"], found["promoted"]) == (None, False)
    card = registry.get(sessions, found["model_version"])[0].card
    assert card["dataset"] == found["dataset"]
    assert registry.resolve(sessions, "champion") == "1"
    with sessions.reading() as session, pytest.raises(DatasetInUse, match="DELETE /v1/models/2"):
        require_dataset_unused(session, "mine")


def test_a_share_of_mnist_is_added_to_the_training_pictures_only(
    sessions: Sessions, work: Any, mine: datasets.Dataset, mnist: Dataset
) -> None:
    found = result(sessions, submit(sessions, mix=0.01), work)
    added = round(0.01 * 54_970)
    assert found["dataset"]["train"] == mine.splits["train"] + added
    assert found["dataset"]["mixed"] == {"name": "mnist", "sha256": mnist.sha256, "share": 0.01, "pictures": added}
    assert (found["validation"]["total"], found["test"]["total"]) == (mine.splits["validation"], mine.splits["test"])


def test_training_starts_from_the_version_that_its_alias_stood_for(
    sessions: Sessions, storage: FolderStorage, work: Any, mine: datasets.Dataset
) -> None:
    registry.install_shipped(sessions, storage)
    aliases.set_alias(sessions, "best", "1")
    first = result(sessions, submit(sessions), work)
    job_id = submit(sessions, start_from="best", learning_rate=1e-6)
    aliases.set_alias(sessions, "best", first["model_version"])
    found = result(sessions, job_id, work)
    shipped = registry.get(sessions, "1")[0].card
    seen = [{"version": "1", "dataset": "mnist", "sha256": shipped["dataset"]["sha256"]}]
    before = found["start_from"].pop("test")
    assert found["start_from"] == {"version": "1", "weights_sha256": shipped["weights_sha256"], "lineage": seen}
    assert before == {name: found["test"][name] for name in ("accuracy", "correct", "total")}  # at this rate
    card = registry.get(sessions, found["model_version"])[0].card
    seen.insert(0, {"version": found["model_version"], "dataset": "mine", "sha256": mine.sha256})
    assert trace_lineage(found["model_version"], card) == seen
    assert trace_lineage("9", card | {"start_from": {"version": "1"}}) is None  # of an earlier release
    assert found["test"]["accuracy"] > 0.9  # so few pictures at this rate teach a new network nothing
    assert first["test"]["accuracy"] < 0.9


def test_version_that_an_open_job_or_another_version_needs_is_not_deleted(
    sessions: Sessions, mine: datasets.Dataset
) -> None:
    with sessions.writing() as session:
        card = {"dataset": {"name": "mine", "sha256": mine.sha256}}
        card |= dict.fromkeys(("recipe", "seed", "weights_sha256", "epochs"))  # what a reproduction needs
        version = registry.register(session, source="job:x", card=card, files={})
    job_id = submit(sessions, start_from=version)
    with pytest.raises(ModelInUse, match=job_id):
        registry.delete(sessions, version, require_unused=require_version_unused)
    service.cancel(sessions, job_id)
    spec = ReproductionSpec.model_validate({"kind": "reproduction", "version": version})
    reproduction, _ = service.submit(sessions, spec)
    with pytest.raises(ModelInUse, match=f"{reproduction.id} reproduces version {version}"):
        registry.delete(sessions, version, require_unused=require_version_unused)
    service.cancel(sessions, reproduction.id)
    with pytest.raises(InvalidInput, match="smaller batch_size") as refused:
        retry_with_changes(sessions, job_id, {"batch_size": 4096})
    assert refused.value.location == "body.batch_size"
    with sessions.writing() as session:
        card |= {"start_from": {"version": version}}
        later = [registry.register(session, source=f"job:y{number}", card=card, files={}) for number in range(2)]
    with pytest.raises(ModelInUse, match=f"is what model versions {', '.join(later)} started from"):
        registry.delete(sessions, version, require_unused=require_version_unused)
    for each in (*later, version):
        assert registry.delete(sessions, each, require_unused=require_version_unused) == (each, [])
    for ended in (job_id, reproduction.id):
        with pytest.raises(InvalidInput, match=f"version {version}, which was deleted"):
            retry(sessions, ended)


def test_training_on_feedback_has_the_pictures_of_its_submission(
    sessions: Sessions, work: Any, optdigits: Dataset
) -> None:
    pairs = list(zip(optdigits.train.images[:60, 0].numpy(), optdigits.train.labels[:60].tolist(), strict=True))
    for image, digit in pairs[:50]:
        feedback.add(sessions, image, digit)
    job_id, sha256 = submit(sessions, dataset="feedback", batch_size=16), datasets.get(sessions, "feedback").sha256
    for image, digit in pairs[50:]:
        feedback.add(sessions, image, digit)
    found = result(sessions, job_id, work)
    assert found["dataset"]["sha256"] == sha256
    assert found["dataset"]["train"] + found["validation"]["total"] + found["test"]["total"] == 50


def test_job_whose_data_set_was_replaced_is_not_run_again_and_says_so(
    sessions: Sessions, storage: FolderStorage, mine: datasets.Dataset
) -> None:
    job_id = submit(sessions)
    service.cancel(sessions, job_id)
    datasets.delete(sessions, storage, "mine", require_unused=require_dataset_unused)
    other = split(np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 2)
    datasets.create(sessions, storage, "mine", other, [], max_bytes=10**7)
    with pytest.raises(InvalidInput, match="is not the one of the job any more"):
        retries.retry(sessions, job_id)


def test_open_search_keeps_its_data_set_and_holds_its_batches_to_it(sessions: Sessions, mine: datasets.Dataset) -> None:
    fields: dict[str, Any] = {"kind": "training_search", "base": {"dataset": "mine"}, "trials": 2}

    def search(sizes: list[int], **base: Any) -> str:
        made = fields | {"space": {"batch_size": {"values": sizes}}, "base": fields["base"] | base}
        return service.submit(sessions, TrainingSearchSpec.model_validate(made))[0].id

    with pytest.raises(InvalidInput, match="There is no data set 'other'") as refused:
        search([32, 64], dataset="other")
    assert refused.value.location == "body.base.dataset"
    with pytest.raises(InvalidInput, match="A batch of 4,096 is larger") as refused:
        search([32, 4096, 64])
    assert refused.value.location == "body.space.batch_size"
    job_id = search([32, 64])
    assert service.get(sessions, job_id).inputs == {"dataset": {"name": "mine", "sha256": mine.sha256}}
    with sessions.writing() as session, pytest.raises(DatasetInUse, match=job_id):
        require_dataset_unused(session, "mine")
    service.cancel(sessions, job_id)
    with sessions.writing() as session:
        require_dataset_unused(session, "mine")
