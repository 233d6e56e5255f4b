"""What the names in a job's spec stood for when it was submitted: a data set by its sha256, a version by its number.

A job that is resumed or tried again so trains on the same pictures, from the same weights, whatever was added or moved
meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.datasets.service import dataset_row, require_state
from app.datasets.tables import Dataset
from app.errors import DatasetInUse, DatasetNotFound, InvalidInput, ModelInUse, ModelNotFound
from app.jobs.lifecycle import OPEN
from app.jobs.specs.options import BaseSpec
from app.jobs.tables import Job
from app.registry.service import find_version, version_row
from app.registry.tables import ModelVersion
from models.datasets.pictures import require_trainable, share_of_split
from models.errors import DatasetUnusable

MAX_NAMED = 10  # versions in a message
VERSIONS = {"start_from": "starts from", "version": "reproduces"}  # of `inputs`


def resolve_inputs(session: Session, spec: BaseSpec) -> dict[str, Any] | None:
    """Returns `dataset` {name, sha256}, `start_from` and `version` (versions) as far as the spec names them, or None.

    Raises InvalidInput if there is no such data set or version, or nothing can be learnt from the data set.
    """
    inputs: dict[str, Any] = {}
    if spec.own_dataset is not None:
        dataset = _find_dataset(session, spec)
        _require_whole_batch(dataset, spec)
        inputs["dataset"] = {"name": dataset.name, "sha256": dataset.sha256}
    for field, version in (("start_from", spec.start_version), ("version", spec.reproduced_version)):
        if version is not None:
            try:
                inputs[field] = _hold_version(session, str(find_version(session, version).number))
            except ModelNotFound as error:
                raise InvalidInput(str(error), location=spec.place_of(field)) from error
    return inputs or None


def require_inputs(session: Session, spec: BaseSpec, inputs: dict[str, Any] | None) -> None:
    """Raise InvalidInput if the inputs of an ended job are gone, or fewer pictures than a batch of this spec: the job
    cannot run again."""
    inputs = inputs or {}
    if spec.own_dataset is not None:
        dataset = _find_dataset(session, spec)
        if "dataset" in inputs:
            _require_state(session, dataset, inputs["dataset"]["sha256"], spec)
        _require_whole_batch(dataset, spec)
    for field in VERSIONS:
        if (version := inputs.get(field)) is not None:
            try:
                _hold_version(session, version)
            except ModelNotFound as error:
                raise InvalidInput(
                    f"The job cannot run again: it {VERSIONS[field]} version {version}, which was deleted."
                ) from error


def _hold_version(session: Session, version: str) -> str:
    """Returns the version's name; it is not deleted until the transaction ends. Raises ModelNotFound."""
    return str(version_row(session, version, lock={"read": True}).number)


def require_dataset_unused(session: Session, name: str) -> None:
    """Raise DatasetInUse if a model version, or a job that has not ended, names the data set."""
    named = Job.inputs["dataset"]["name"].as_string() == name
    job_id = session.scalars(select(Job.id).where(Job.status.in_(OPEN), named).limit(1)).first()
    if job_id is not None:
        raise DatasetInUse(f"Job {job_id} trains on the data set {name!r}. Wait for its end, or cancel it.")
    trained = ModelVersion.card["dataset"]["name"].as_string() == name
    if numbers := _find_versions(session, trained):
        raise DatasetInUse(f"The data set {name!r} trained {_name(numbers)}. {_advise(numbers)}")


def require_version_unused(session: Session, version: str) -> None:
    """Raise ModelInUse if a job that has not ended needs the version, or another version started from its weights:
    without it, that version cannot be trained again."""
    for field, use in VERSIONS.items():
        named = Job.inputs[field].as_string() == version
        job_id = session.scalars(select(Job.id).where(Job.status.in_(OPEN), named).limit(1)).first()
        if job_id is not None:
            raise ModelInUse(f"Job {job_id} {use} version {version}. Wait for its end, or cancel it.")
    started = ModelVersion.card["start_from"]["version"].as_string() == version
    if numbers := _find_versions(session, started):
        raise ModelInUse(f"Version {version} is what {_name(numbers)} started from. {_advise(numbers)}")


def _find_versions(session: Session, condition: ColumnElement[bool]) -> list[int]:
    """Returns the versions whose cards say so, the first MAX_NAMED and one more."""
    query = select(ModelVersion.number).where(condition).order_by(ModelVersion.number).limit(MAX_NAMED + 1)
    return list(session.scalars(query))


def _name(numbers: Sequence[int]) -> str:
    more = " and others" if len(numbers) > MAX_NAMED else ""
    return f"model version{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:MAX_NAMED]))}{more}"


def _advise(numbers: Sequence[int]) -> str:
    rest = ", and so each of the others" if len(numbers) > 1 else ""
    return f"DELETE /v1/models/{numbers[0]} removes that first{rest}."


def _find_dataset(session: Session, spec: BaseSpec) -> Dataset:
    """Returns the user's data set that the spec names, which stays until the transaction ends."""
    name = spec.own_dataset or ""
    try:
        dataset = dataset_row(session, name, is_shared=True)
        require_trainable(name, dataset.counts, _split_sizes(dataset))
    except (DatasetNotFound, DatasetUnusable) as error:
        raise InvalidInput(str(error), location=spec.place_of("dataset")) from error
    return dataset


def _require_state(session: Session, dataset: Dataset, sha256: str, spec: BaseSpec) -> None:
    try:
        require_state(session, dataset, sha256)
    except DatasetNotFound as error:
        raise InvalidInput(str(error), location=spec.place_of("dataset")) from error


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
