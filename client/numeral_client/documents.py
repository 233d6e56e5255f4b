"""The service's answers, typed. Fields that a newer service adds are kept, and do no harm."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from numeral_client.events import ENDED

Row = TypeVar("Row", bound="Document")
Box = tuple[int, int, int, int]  # left, top, right, bottom


class Document(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def to_row(self) -> dict[str, Any]:
        """The document as the row of a table."""
        return self.model_dump()

    def __repr__(self) -> str:
        """The fields, long ones shortened: a card has ten thousand characters."""
        return f"{type(self).__name__}({', '.join(f'{name}={reprlib.repr(value)}' for name, value in self)})"

    def __getitem__(self, name: str) -> Any:
        """A field, as in the JSON."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def _repr_html_(self) -> str:
        return html_table({"field": name, "value": reprlib.repr(value)} for name, value in self)


class Tabular:
    """What can be a table: one dict per row."""

    def to_records(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def to_frame(self) -> Any:
        """A pandas.DataFrame. Raises ImportError where pandas is not installed."""
        try:
            import pandas  # optional
        except ImportError as error:
            raise ImportError("to_frame() needs pandas: pip install pandas. to_records() does without.") from error

        return pandas.DataFrame(self.to_records())

    def _repr_html_(self) -> str:
        return html_table(self.to_records())


class Rows(list[Row], Tabular):
    """A list of documents that is a table too."""

    def to_records(self) -> list[dict[str, Any]]:
        return [row.to_row() for row in self]


class Figure(bytes):
    """A figure as SVG or PNG, which notebooks show."""

    @property
    def is_svg(self) -> bool:
        return not self.startswith(b"\x89PNG")

    def save(self, path: str | Path) -> Path:
        """Write it to a file. Raises ValueError for the suffix of another format."""
        suffix = ".svg" if self.is_svg else ".png"
        if Path(path).suffix.lower() not in (suffix, ""):
            raise ValueError(f"this figure is a{'n SVG' if self.is_svg else ' PNG'}: save it as {suffix}, not {path}")
        Path(path).write_bytes(self)
        return Path(path)

    def __repr__(self) -> str:
        return f"<Figure, {'SVG' if self.is_svg else 'PNG'}, {len(self):,} bytes>"

    def _repr_png_(self) -> bytes | None:
        return None if self.is_svg else bytes(self)

    def _repr_svg_(self) -> str | None:
        return self.decode() if self.is_svg else None


# Predictions


class ModelReference(Document):
    version: str


class PictureReport(Document):
    """How a picture was brought to 28x28."""

    inverted: bool
    box: Box | None
    scale: float
    shift: tuple[int, int]
    ink: float


class Prediction(Document):
    """Which digit a picture shows. `accepted` is false, with a `reason`, where the network should not be trusted."""

    digit: int
    confidence: float
    probabilities: list[float]
    accepted: bool
    reason: str | None
    model: ModelReference
    image: PictureReport | None = None
    id: str | None = None  # where the service keeps pictures, for feedback
    explanation: dict[str, Any] | None = None
    source: str | None = None  # the file, where predict_many was given paths

    @property
    def error(self) -> None:
        """None, as of every prediction; that of a FailedPicture says why there is none."""

    def _repr_html_(self) -> str:
        why = "" if self.accepted else f" (rejected: {escape(str(self.reason))})"
        bars = "".join(
            f"<tr><td>{digit}</td><td><meter min=0 max=1 value={probability:.4f}></meter></td>"
            f"<td>{probability:.2%}</td></tr>"
            for digit, probability in enumerate(self.probabilities)
        )
        return f"<b>{self.digit}</b>, {self.confidence:.1%}{why}<table>{bars}</table>"


class PictureError(Document):
    title: str
    detail: str


class FailedPicture(Document):
    """Stands in the place of a picture of several that could not be read; `error.detail` says why."""

    error: PictureError
    digit: None = None
    confidence: None = None
    accepted: bool = False
    source: str | None = None


class ReadDigit(Document):
    digit: int
    confidence: float
    box: Box
    accepted: bool
    reason: str | None


class ReadLine(Document):
    text: str
    groups: list[str]
    digits: list[ReadDigit]


class Reading(Document):
    """The digits of a picture, line by line."""

    text: str
    lines: list[ReadLine]
    digits: list[ReadDigit]
    model: ModelReference


# Jobs and their results


class Progress(Document):
    done: int
    total: int
    unit: str
    eta_seconds: float | None = None


class JobError(Document):
    reason: str
    detail: str


class Epoch(Document):
    epoch: int
    train_loss: float
    validation_accuracy: float
    learning_rate: float


class Evaluation(Document):
    accuracy: float
    correct: int
    total: int
    loss: float | None = None
    interval_95: tuple[float, float] | None = None
    confusion: list[list[int]] | None = None


class TrainingResult(Tabular, Document):
    """Of an `mnist_training`. The trial of a search has no version and no test; `value` judges it."""

    epochs: list[Epoch]
    seconds: float
    device: str
    dataset: dict[str, Any]
    model_version: str | None = None
    test: Evaluation | None = None
    validation: Evaluation | None = None
    promoted: bool = False
    value: float | None = None

    def to_records(self) -> list[dict[str, Any]]:
        """A row per epoch."""
        return [epoch.model_dump() for epoch in self.epochs]


class SweepTrial(Document):
    learning_rate: float
    loss: list[float | None]
    loss_epochs: list[int] | None = None  # of the points of `loss`, where not all epochs are among them
    outcome: str
    epochs: int
    final_weights: Any = None
    final_outputs: Any = None


class SweepResult(Tabular, Document):
    """Of a `backprop_sweep`."""

    trials: list[SweepTrial]
    best: float
    fastest: float | None = None

    def to_records(self) -> list[dict[str, Any]]:
        """A row per learning rate and epoch."""
        return [
            {"learning_rate": trial.learning_rate, "epoch": epoch, "loss": loss}
            for trial in self.trials
            for epoch, loss in zip(trial.loss_epochs or range(len(trial.loss)), trial.loss)  # noqa: B905 (Python 3.10)
        ]

    def _repr_html_(self) -> str:
        columns = ("learning_rate", "outcome", "epochs")
        return html_table(
            {name: getattr(trial, name) for name in columns} | {"last loss": trial.loss[-1]} for trial in self.trials
        )


class SearchResult(Document):
    """Of a `training_search`: the best trial, and the training that tested and registered its network."""

    best: dict[str, Any]
    winner: dict[str, Any]
    trials: dict[str, int]
    importance: Any = None


class ReproductionResult(Document):
    """Of a `reproduction`: whether the weights are equal."""

    version: str
    equal: bool
    detail: str
    differences: list[dict[str, Any]]


class Trial(Document):
    """A training of a search."""

    number: int
    params: dict[str, Any]
    status: str
    value: float | None
    job_id: str
    epochs: int
    seconds: float | None


class Trials(Tabular, Document):
    items: list[Trial]
    best: int | None

    def to_records(self) -> list[dict[str, Any]]:
        """A row per trial, a column per setting."""
        return [trial.model_dump(exclude={"params"}) | trial.params for trial in self.items]


class Comparison(Tabular, Document):
    """Several trainings side by side; `differences` has the fields of their specs that are not the same for all."""

    items: list[dict[str, Any]]
    differences: dict[str, list[Any]]

    def to_records(self) -> list[dict[str, Any]]:
        """A row per training, with the fields in which they differ."""
        return [
            {name: value for name, value in item.items() if name != "epochs"}
            | {name: values[number] for name, values in self.differences.items()}
            for number, item in enumerate(self.items)
        ]


RESULTS: Mapping[str, type[Document]] = {
    "backprop_sweep": SweepResult,
    "mnist_training": TrainingResult,
    "training_search": SearchResult,
    "reproduction": ReproductionResult,
}


class JobDocument(Document):
    id: str
    kind: str
    status: str
    name: str | None
    tags: list[str]
    spec: dict[str, Any]
    attempt: int
    cancel_requested: bool = False
    progress: Progress | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]
    notice: str | None = None
    result: dict[str, Any] | None = None  # null until it has succeeded, and in lists
    epochs: list[dict[str, Any]] | None = None

    def to_row(self) -> dict[str, Any]:
        columns = ("id", "kind", "status", "name", "created_at", "finished_at")
        return {name: getattr(self, name) for name in columns} | {"dataset": self.spec.get("dataset")}


class JobPage(Document):
    items: list[JobDocument]
    next_cursor: str | None


# Versions, aliases and data sets


class ModelFile(Document):
    name: str
    size: int
    sha256: str
    href: str


class ModelSummary(Document):
    version: str
    aliases: list[str]
    created_at: datetime
    test_accuracy: float
    validation_accuracy: float
    dataset: str
    recipe: str
    job: str | None
    note: str | None


class CardRecipe(Document):
    """The recipe's name and all of its fields."""

    name: str
    epochs: int
    batch_size: int
    learning_rate: float


class UsedDataset(Document):
    name: str
    sha256: str
    train: int | None = None  # how many pictures


class Calibration(Document):
    temperature: float
    min_margin: float  # between the two likeliest digits of an accepted prediction
    least_confidence: float | None = None


class Card(Document):
    """How a version was trained, and how good it is. Cards of older releases say less."""

    recipe: CardRecipe
    seed: int
    parameters: int
    dataset: UsedDataset
    test: Evaluation
    validation: Evaluation
    train: Evaluation | None = None
    calibration: Calibration
    epochs: list[Epoch]
    seconds: float
    device: str
    weights_sha256: str
    libraries: dict[str, str]
    spec: dict[str, Any] | None = None  # what was asked for
    commit: str | None = None  # of the program that trained it


class Model(ModelSummary):
    card: Card
    files: list[ModelFile]


class AliasChange(Document):
    alias: str
    version: str
    since: datetime
    until: datetime | None = None
    reason: str
    forced: bool = False


class DatasetSummary(Document):
    name: str
    built_in: bool
    description: str
    pictures: int | None
    counts: dict[str, int] | None
    splits: dict[str, int] | None
    sha256: str | None
    created_at: datetime | None


class RejectedFiles(Document):
    total: int
    items: list[dict[str, str]]


class Dataset(DatasetSummary):
    rejected: RejectedFiles | None = None


class DatasetPicture(Document):
    """A picture of a data set; `png` is a data URL."""

    position: int
    digit: int
    split: str
    png: str


# The service itself


class Feedback(Document):
    """The data set that a picture was added to, and how many it holds now."""

    dataset: str
    digit: int
    pictures: int
    sha256: str


class Recipe(Document):
    name: str
    description: str
    fields: dict[str, Any]


class Recipes(Document):
    """`items` are the recipes, `fields` has the meaning and the bounds of each field."""

    items: list[Recipe]
    fields: dict[str, dict[str, Any]]


class System(Document):
    now: datetime
    versions: dict[str, str | None]
    champion: str | None
    queues: list[dict[str, Any]]
    workers: list[dict[str, Any]]


# The derivation of backpropagation


class TraceStep(Document):
    section: str
    symbol: str
    formula: str
    latex: str
    substituted: str
    value: float | None  # None where it overflowed


class Trace(Tabular, Document):
    """One step of gradient descent: forward pass, errors, gradients and updates, each with its formula."""

    forward: dict[str, Any]
    errors: dict[str, Any]
    gradients: dict[str, Any]
    updated_weights: dict[str, Any]
    steps: list[TraceStep]

    def to_records(self) -> list[dict[str, Any]]:
        columns = ("section", "symbol", "formula", "substituted", "value")
        return [{name: getattr(step, name) for name in columns} for step in self.steps]


Result = TypeVar("Result", bound=Document)


class JobView(Generic[Result]):
    """A job as it was when the service was last asked."""

    def __init__(self, document: JobDocument) -> None:
        self.document = document

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def kind(self) -> str:
        return self.document.kind

    @property
    def status(self) -> str:
        """queued, running, succeeded, failed or cancelled."""
        return self.document.status

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def progress(self) -> Progress | None:
        return self.document.progress

    @property
    def result(self) -> Result | None:
        """The result, typed by the kind of the job; None until it has succeeded."""
        if self.document.result is None:
            return None
        return RESULTS.get(self.kind, Document).model_validate(self.document.result)  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.kind} {self.status}>"

    def _repr_html_(self) -> str:
        shown = {"job": self.id, "kind": self.kind, "status": self.status, "name": self.document.name or ""}
        if (progress := self.progress) is not None:
            shown["progress"] = f"{progress.done} of {progress.total} {progress.unit}"
        return html_table([shown])


def name_of(thing: object) -> str:
    """What the service calls it: a document or a job may stand for its id, version or name."""
    if isinstance(thing, (JobDocument, JobView)):
        return thing.id
    if isinstance(thing, (ModelSummary, AliasChange)):
        return thing.version
    return thing.name if isinstance(thing, DatasetSummary) else str(thing)


def html_table(records: Iterable[Mapping[str, Any]]) -> str:
    """The records as a table of HTML."""
    found = list(records)
    head = "".join(f"<th>{escape(str(name))}</th>" for name in (found[0] if found else ()))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in record.values()) + "</tr>" for record in found
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S %Z}".strip()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return "" if value is None else str(value)
