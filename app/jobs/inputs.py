"""What the names in a job's spec stood for when it was submitted: a data set by its sha256, a version by its number.

A job that is resumed or tried again so trains on the same pictures, from the same weights, whatever was added or moved
meanwhile.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.service import dataset_row
from app.datasets.tables import Dataset
from app.errors import DatasetInUse, DatasetNotFound, InvalidInput, ModelInUse, ModelNotFound
from app.jobs.lifecycle import JobStatus
from app.jobs.specs.options import BaseSpec
from app.jobs.tables import Job
from app.registry.service import find_version, version_row
from app.registry.tables import ModelVersion
from models.datasets.pictures import require_trainable, share_of_split
from models.errors import DatasetUnusable

OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


def resolve_inputs(session: Session, spec: BaseSpec) -> dict[str, Any] | None:
    """Returns `dataset` {name, sha256} and `start_from` (a version) as far as the spec names them; None if neither.

    Raises InvalidInput if there is no such data set or version, or nothing can be learnt from the data set.
    """
    inputs: dict[str, Any] = {}
    if spec.own_dataset is not None:
        dataset = _find_dataset(session, spec)
        _require_whole_batch(dataset, spec)
        inputs["dataset"] = {"name": dataset.name, "sha256": dataset.sha256}
    if spec.start_version is not None:
        try:
            version = find_version(session, spec.start_version)
            inputs["start_from"] = str(version_row(session, str(version.number), lock={"read": True}).number)
        except ModelNotFound as error:
            raise InvalidInput(str(error), location=spec.place_of("start_from")) from error
    return inputs or None


def require_dataset_unused(session: Session, name: str) -> None:
    """Raise DatasetInUse if a model version, or a job that has not ended, names the data set."""
    named = Job.inputs["dataset"]["name"].as_string() == name
    job_id = session.scalars(select(Job.id).where(Job.status.in_(OPEN), named).limit(1)).first()
    if job_id is not None:
        raise DatasetInUse(f"Job {job_id} trains on the data set {name!r}. Wait for its end, or cancel it.")
    trained = ModelVersion.card["dataset"]["name"].as_string() == name
    number = session.scalars(select(ModelVersion.number).where(trained).limit(1)).first()
    if number is not None:
        raise DatasetInUse(
            f"Model version {number} was trained on the data set {name!r}. "
            f"DELETE /v1/models/{number} removes that first."
        )


def require_version_unused(session: Session, version: str) -> None:
    """Raise ModelInUse if a job that has not ended starts from the version's weights."""
    named = Job.inputs["start_from"].as_string() == version
    job_id = session.scalars(select(Job.id).where(Job.status.in_(OPEN), named).limit(1)).first()
    if job_id is not None:
        raise ModelInUse(f"Job {job_id} starts from version {version}. Wait for its end, or cancel it.")


def _find_dataset(session: Session, spec: BaseSpec) -> Dataset:
    """Returns the user's data set that the spec names, which stays until the transaction ends."""
    name = spec.own_dataset or ""
    try:
        dataset = dataset_row(session, name, is_shared=True)
        require_trainable(name, dataset.counts, _split_sizes(dataset))
    except (DatasetNotFound, DatasetUnusable) as error:
        raise InvalidInput(str(error), location=spec.place_of("dataset")) from error
    return dataset


def _require_whole_batch(dataset: Dataset, spec: BaseSpec) -> None:
    pictures = _split_sizes(dataset)["train"]
    if spec.largest_batch > pictures:
        raise InvalidInput(
            f"A batch of {spec.largest_batch:,} is larger than the {pictures:,} training pictures of {dataset.name!r}. "
            "Ask for a smaller batch_size, or mix MNIST in.",
            location=spec.place_of("batch_size"),
        )


def _split_sizes(dataset: Dataset) -> dict[str, int]:
    """Those of `feedback`, which is split by each training, are those of pictures that all differ."""
    if dataset.splits:
        return dataset.splits
    shares = [share_of_split(count) for count in dataset.counts.values()]
    return {"train": sum(dataset.counts.values()) - 2 * sum(shares), "validation": sum(shares), "test": sum(shares)}
