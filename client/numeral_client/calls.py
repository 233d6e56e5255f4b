"""What the service can be asked: each function makes a Call, the request and how to read its answer. No I/O but files.

Both clients (client.py, async_client.py) have these as methods; they differ in how they send a Call.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from numeral_client import documents as d
from numeral_client.documents import Figure, JobDocument, JobPage, JobView, Rows, name_of
from numeral_client.errors import NumeralError, UnexpectedAnswer, from_response, not_found
from numeral_client.pictures import Picture, encode

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Doc = TypeVar("Doc", bound=d.Document)
Files = Iterable[tuple[str, BinaryIO]]  # the name and the content of each

TIMEOUT_SECONDS = 60.0  # the first figure of a process loads matplotlib
SWEEP_WAIT_SECONDS = 10
MAX_WAIT_SECONDS = 60
IMPORT_TIMEOUT_SECONDS = 200.0
PAGE = 100
ID_LENGTH = 36


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)  # of httpx: params, json, content, headers, data, files
    timeout: float = TIMEOUT_SECONDS


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how to read its answer."""

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    options: Mapping[str, Any] = field(default_factory=dict)
    is_repeatable: bool = True  # whether to send it twice does what sending it once does
    timeout: float = TIMEOUT_SECONDS

    @property
    def request(self) -> Request:
        return Request(self.method, self.path, self.options, self.timeout)

    def read(self, response: httpx.Response) -> T:
        """The answer. Raises ApiError, UnexpectedAnswer."""
        if not response.is_success:
            raise from_response(response)
        try:
            return self.parse(response)
        except ValueError as error:  # pydantic's ValidationError is one
            raise UnexpectedAnswer(
                f"The answer of {response.url} is not what this client knows; is it Numeral? ({error})"
            ) from error

    def __iter__(self) -> Flow[T]:
        """A call is the shortest flow."""
        answer: T = yield self
        return answer


Flow = Generator[Any, Any, T]  # yields a Call or a Request, whose answer is sent in, or seconds to sleep; returns T


class Steps(Protocol[T_co]):
    """What a client can run: a Call, or a Flow of several."""

    def __iter__(self) -> Generator[Any, Any, T_co]: ...


def _document(kind: type[Doc]) -> Callable[[httpx.Response], Doc]:
    return lambda response: kind.model_validate_json(response.content)


def _rows(kind: type[Doc]) -> Callable[[httpx.Response], Rows[Doc]]:
    return lambda response: Rows(kind.model_validate(item) for item in response.json()["items"])


def _nothing(_: httpx.Response) -> None:
    """Of a deletion."""


def _content(response: httpx.Response) -> bytes:
    return response.content


def _figure(response: httpx.Response) -> Figure:
    return Figure(response.content)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _name(thing: object) -> str | None:
    return None if thing is None else name_of(thing)


def _part(name: object) -> str:
    """A part of a path. Raises NotFound for what is none: the service would read another path."""
    name = name_of(name)
    if not str(name) or "/" in str(name):
        raise not_found(f"{str(name)!r} is no name and no id.")
    return quote(str(name), safe="")


def _plain(value: Any, field: str = "") -> Any:
    """The value as JSON can hold it: numbers and arrays of NumPy become those of Python. Raises ValueError for NaN."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        return {name: _plain(one, f"{field}.{name}".lstrip(".")) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, field) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{field}: a finite number is expected, not {value}")
    return value


def _require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {' or '.join(choices)}, not {value!r}")


# Predictions


def predict(
    picture: Picture, *, model: str | None = None, scale: float | None = None, explain: bool = False
) -> Call[d.Prediction]:
    """Which digit a picture shows: a path, bytes, a binary file, a PIL image or a NumPy array.

    In an array, uint8 is 0 to 255, and floats within 0 to 1 are 0 to 1; otherwise `scale` is the value of white. Dark
    ink on light and bright ink on dark are both read. `model` is a version or an alias, by default the champion.
    `explain` fills in `explanation`: which parts of the picture mattered, and what each layer computed.
    """
    return _picture_call("/v1/predict", picture, scale, d.Prediction, model=_name(model), explain=explain or None)


def read(picture: Picture, *, model: str | None = None, scale: float | None = None) -> Call[d.Reading]:
    """All digits of a picture, line by line. The picture is as in `predict`."""
    return _picture_call("/v1/read", picture, scale, d.Reading, model=_name(model))


def _picture_call(path: str, picture: Picture, scale: float | None, kind: type[Doc], **params: Any) -> Call[Doc]:
    headers = {"Content-Type": "application/octet-stream"}
    options = {"content": encode(picture, scale=scale), "params": _given(**params), "headers": headers}
    return Call("POST", path, _document(kind), options)


def predict_batch(contents: list[bytes], *, model: str | None) -> Call[list[d.Prediction | d.FailedPicture]]:
    files = [("files", (str(number), content)) for number, content in enumerate(contents)]
    return Call("POST", "/v1/predict/batch", _batch, {"files": files, "params": _given(model=_name(model))})


def _batch(response: httpx.Response) -> list[d.Prediction | d.FailedPicture]:
    kinds = (d.Prediction, d.FailedPicture)
    return [kinds["error" in item].model_validate(item) for item in response.json()["items"]]


# Jobs


def _job(response: httpx.Response) -> JobDocument:
    return JobDocument.model_validate_json(response.content)


def submit(
    spec: Mapping[str, Any], *, wait_seconds: float = 0, idempotency_key: str | None = None
) -> Call[JobView[d.Document]]:
    """Queue a job by its spec, such as {"kind": "mnist_training", ...}; `wait_seconds` (to 60): wait for its end."""
    if not isinstance(spec, Mapping):
        raise TypeError(f'a spec is a dict, such as {{"kind": "backprop_sweep"}}, not {spec!r:.60}')
    if not 0 <= wait_seconds <= MAX_WAIT_SECONDS:
        raise ValueError(f"wait_seconds is 0 to {MAX_WAIT_SECONDS}, not {wait_seconds}")
    headers = {"Idempotency-Key": idempotency_key or str(uuid4())}  # a repeated request is answered with the first job
    if wait_seconds:
        headers["Prefer"] = f"wait={math.ceil(wait_seconds)}"
    options = {"json": _plain(spec), "headers": headers}
    return Call("POST", "/v1/jobs", lambda r: JobView(_job(r)), options, timeout=TIMEOUT_SECONDS + wait_seconds)


def train(**fields: Any) -> Call[JobView[d.TrainingResult]]:
    """Queue a training of the digit network. Fields: `recipe`, `epochs`, `dataset`, `seed` and others; GET /v1/recipes
    and docs/training.md name all of them."""
    return submit({"kind": "mnist_training", **fields})  # type: ignore[return-value]


def search(space: Mapping[str, Any], **fields: Any) -> Call[JobView[d.SearchResult]]:
    """Queue a search for the best settings. `space` has for each field {"low", "high", "log"} or {"values"}, or a list
    of values. Fields: `base`, `sampler`, `trials`, `parallel`, `pruning` and others, as in docs/search.md."""
    if not isinstance(space, Mapping):
        raise TypeError(f'a space is a dict, such as {{"batch_size": [32, 64]}}, not {space!r:.60}')
    dimensions = {name: {"values": list(one)} if isinstance(one, (list, tuple)) else one for name, one in space.items()}
    return submit({"kind": "training_search", "space": dimensions, **fields})  # type: ignore[return-value]


def sweep(*, wait_seconds: float = SWEEP_WAIT_SECONDS, **fields: Any) -> Call[JobView[d.SweepResult]]:
    """Train a small network once per learning rate. Fields: `learning_rates`, `epochs`, `layers`, `inputs`, `targets`,
    `weights` and others. Waits for the end, which a sweep of usual size reaches at once; 0 does not wait."""
    return submit({"kind": "backprop_sweep", **fields}, wait_seconds=wait_seconds)  # type: ignore[return-value]


def trace(**fields: Any) -> Call[d.Trace]:
    """One step of gradient descent with every formula. Fields: `inputs`, `targets`, `weights`, `learning_rate`."""
    return Call("POST", "/v1/backprop/trace", _document(d.Trace), {"json": _plain(fields)})


def explain_step(**fields: Any) -> Call[str]:
    """The derivation of `trace` as a page of Markdown."""
    options = {"json": _plain(fields), "headers": {"Accept": "text/markdown"}}
    return Call("POST", "/v1/backprop/trace", lambda response: response.text, options)


def draw_step(**fields: Any) -> Call[Figure]:
    """A diagram of `trace`: weights, activations, gradients. Fields: `inputs`, `targets`, `learning_rate`."""
    return Call("GET", "/v1/backprop/trace.svg", _figure, {"params": fields})


def list_recipes() -> Call[d.Recipes]:
    """The named recipes of a training, and every field of a recipe with its meaning and bounds."""
    return Call("GET", "/v1/recipes", _document(d.Recipes))


def get_job(job_id: str) -> Call[JobDocument]:
    return Call("GET", f"/v1/jobs/{_part(job_id)}", _job)


def find_job(prefix: str) -> Call[str]:
    """The one id that begins so. Ids sort by time, so one page finds it. Raises NotFound, or
    NumeralError if several begin so."""

    def choose(response: httpx.Response) -> str:
        found = [str(item["id"]) for item in response.json()["items"] if item["id"].startswith(prefix)]
        if len(found) > 1:
            raise NumeralError(f"Several jobs have an id that begins with {prefix!r}: {', '.join(found)} ...")
        if not found:
            raise not_found(f"No job has an id that begins with {prefix!r}.")
        return found[0]

    if not prefix or set(prefix) - set("0123456789abcdef-") or len(prefix) > ID_LENGTH:
        raise not_found(f"{prefix!r} is not the beginning of a job's id.")
    return Call("GET", "/v1/jobs", choose, {"params": {"cursor": prefix.ljust(ID_LENGTH, "f"), "limit": 2}})


def list_job_page(limit: int, cursor: str | None, filters: Mapping[str, str | None]) -> Call[JobPage]:
    params = _given(limit=min(limit, PAGE), cursor=cursor, **filters)
    return Call("GET", "/v1/jobs", _document(JobPage), {"params": params})


def cancel_job(job_id: str) -> Call[JobDocument]:
    return Call("POST", f"/v1/jobs/{_part(job_id)}/cancel", _job, is_repeatable=False)


def retry_job(job_id: str, **changes: Any) -> Call[JobDocument]:
    options = {"json": _plain(changes)} if changes else {}
    return Call("POST", f"/v1/jobs/{_part(job_id)}/retry", _job, options, is_repeatable=False)


def extend_search(job_id: str, trials: int) -> Call[JobDocument]:
    options = {"json": _plain({"trials": trials})}
    return Call("POST", f"/v1/jobs/{_part(job_id)}/extend", _job, options, is_repeatable=False)


def delete_job(job_id: str) -> Call[None]:
    return Call("DELETE", f"/v1/jobs/{_part(job_id)}", _nothing, is_repeatable=False)


def job_events(job_id: str, headers: Mapping[str, str]) -> Call[None]:
    return Call("GET", f"/v1/jobs/{_part(job_id)}/events", _nothing, {"headers": headers})


def plot_job(
    job_id: str, *, image_format: str = "svg", view: str = "curves", scale: str | None = None, theme: str = "light"
) -> Call[Figure]:
    """The curves of a job so far, as `svg` or `png`. `view`: of a sweep, also `panels`. `scale`: `linear` or `log`, of
    the losses. `theme`: also `dark`."""
    _require_choice("image_format", image_format, ("svg", "png"))
    params = _given(view=view, scale=scale, theme=theme)
    return Call("GET", f"/v1/jobs/{_part(job_id)}/plot.{image_format}", _figure, {"params": params})


def get_curves(job_id: str) -> Call[bytes]:
    """All points of a sweep's curves, as a file for numpy.load: `learning_rates`, `losses`, `gradient_norms`."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}/curves.npz", _content)


def draw_hardest(job_id: str) -> Call[Figure]:
    """The 25 test pictures that the network of a training finds hardest."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}/hardest.png", _figure)


def draw_search(job_id: str, *, view: str = "parallel") -> Call[Figure]:
    """The trials of a search through their settings (`parallel`), or how much each setting mattered (`importance`)."""
    _require_choice("view", view, ("parallel", "importance"))
    return Call("GET", f"/v1/jobs/{_part(job_id)}/{view}.svg", _figure)


def list_trials(job_id: str) -> Call[d.Trials]:
    """The trials of a search, with their settings and values."""
    return Call("GET", f"/v1/jobs/{_part(job_id)}/trials", _document(d.Trials))


def compare_jobs(*jobs: str | JobDocument | JobView[Any]) -> Call[d.Comparison]:
    """Up to 20 trainings side by side: jobs, or their ids."""
    return Call("GET", "/v1/jobs/compare", _document(d.Comparison), {"params": {"ids": _ids(jobs)}})


def plot_comparison(*jobs: str | JobDocument | JobView[Any]) -> Call[Figure]:
    """The curves of up to 20 trainings in one figure."""
    return Call("GET", "/v1/jobs/compare.svg", _figure, {"params": {"ids": _ids(jobs)}})


def _ids(jobs: Iterable[str | JobDocument | JobView[Any]]) -> str:
    return ",".join(map(name_of, jobs))


# Versions and aliases


def list_models() -> Call[Rows[d.ModelSummary]]:
    """All versions, newest first."""
    return Call("GET", "/v1/models", _rows(d.ModelSummary))


def get_model(version: str) -> Call[d.Model]:
    """A version or what an alias stands for, with its card and files."""
    return Call("GET", f"/v1/models/{_part(version)}", _document(d.Model))


def annotate_model(version: str, note: str | None) -> Call[d.Model]:
    """Write a note on a version; None removes it."""
    return Call("PATCH", f"/v1/models/{_part(version)}", _document(d.Model), {"json": {"note": note}})


def delete_model(version: str) -> Call[None]:
    """Remove a version with its files."""
    return Call("DELETE", f"/v1/models/{_part(version)}", _nothing, is_repeatable=False)


def get_model_file(version: str, name: str) -> Call[bytes]:
    """`model.onnx`, `weights.safetensors`, `card.json` or `hardest.png`."""
    return Call("GET", f"/v1/models/{_part(version)}/files/{_part(name)}", _content)


def list_aliases() -> Call[Rows[d.AliasChange]]:
    """All aliases, by name: which version each stands for, since when and why."""
    return Call("GET", "/v1/models/aliases", _rows(d.AliasChange))


def get_alias(alias: str = "champion") -> Call[d.AliasChange]:
    """The version that serves under an alias, since when and why."""
    return Call("GET", f"/v1/models/aliases/{_part(alias)}", _document(d.AliasChange))


def get_history(alias: str = "champion", *, limit: int = 100) -> Call[Rows[d.AliasChange]]:
    """Which versions served under an alias, newest first."""
    params = {"limit": limit}
    return Call("GET", f"/v1/models/aliases/{_part(alias)}/history", _rows(d.AliasChange), {"params": params})


def set_alias(
    version: str,
    alias: str = "champion",
    *,
    expected_version: str | None = None,
    reason: str | None = None,
    force: bool = False,
) -> Call[d.Model]:
    """Let an alias stand for a version; `champion` answers predictions. `force` promotes past the gate."""
    expected = _name(expected_version)
    body = _given(version=name_of(version), expected_version=expected, reason=reason, force=force or None)
    return Call("PUT", f"/v1/models/aliases/{_part(alias)}", _document(d.Model), {"json": body})


def delete_alias(alias: str, *, expected_version: str | None = None) -> Call[None]:
    """Remove an alias; its history stays. Never `champion`."""
    options = {} if expected_version is None else {"headers": {"If-Match": name_of(expected_version)}}
    return Call("DELETE", f"/v1/models/aliases/{_part(alias)}", _nothing, options, is_repeatable=False)


def roll_back(alias: str = "champion", *, expected_version: str | None = None) -> Call[d.Model]:
    """Let an alias stand for the version that served before."""
    body = _given(expected_version=_name(expected_version))
    options = {"json": body} if body else {}
    return Call("POST", f"/v1/models/aliases/{_part(alias)}/rollback", _document(d.Model), options, is_repeatable=False)


# Data sets


def list_datasets() -> Call[Rows[d.DatasetSummary]]:
    """The data sets of users, newest first, and those that come with the service."""
    return Call("GET", "/v1/datasets", _rows(d.DatasetSummary))


def get_dataset(name: str) -> Call[d.Dataset]:
    """A data set, with the files that could not be used and why."""
    return Call("GET", f"/v1/datasets/{_part(name)}", _document(d.Dataset))


def upload_dataset(name: str, files: Files) -> Call[d.Dataset]:
    """Make a data set of one zip, or of IDX files."""
    options = {"data": {"name": name}, "files": [("file", file) for file in files]}
    parse = _document(d.Dataset)
    return Call("POST", "/v1/datasets", parse, options, is_repeatable=False, timeout=IMPORT_TIMEOUT_SECONDS)


def delete_dataset(name: str) -> Call[None]:
    """Delete a data set that neither a version nor an open job names."""
    return Call("DELETE", f"/v1/datasets/{_part(name)}", _nothing, is_repeatable=False)


def draw_dataset(name: str) -> Call[Figure]:
    """Up to 100 of its pictures as the network sees them."""
    return Call("GET", f"/v1/datasets/{_part(name)}/sheet.png", _figure)


def list_pictures(
    name: str, *, digit: int | None = None, offset: int = 0, limit: int = PAGE
) -> Call[Rows[d.DatasetPicture]]:
    """Pictures of a data set with their labels, in the order in which they are stored; `digit`: those of one label."""
    params = _given(digit=digit, offset=offset, limit=limit)
    return Call("GET", f"/v1/datasets/{_part(name)}/pictures", _rows(d.DatasetPicture), {"params": params})


def correct_label(name: str, position: int, digit: int) -> Call[d.Dataset]:
    """Say which digit the picture at `position` shows. Jobs that were submitted before have the old label."""
    return Call(
        "PATCH",
        f"/v1/datasets/{_part(name)}/pictures/{_part(position)}",
        _document(d.Dataset),
        {"json": _plain({"digit": digit})},
    )


def give_feedback(picture: Picture | d.Prediction, digit: int, *, scale: float | None = None) -> Call[d.Feedback]:
    """Say which digit a picture shows; it joins the data set `feedback`. A prediction with an `id` stands for its
    picture, where the service keeps pictures."""
    if isinstance(picture, d.Prediction):
        if picture.id is None:
            raise ValueError("the picture of this prediction was not kept, so give the picture itself")
        shown = {"prediction_id": picture.id}
    else:
        shown = {"image": b64encode(encode(picture, scale=scale)).decode()}
    body = _plain({**shown, "digit": digit})
    return Call("POST", "/v1/predictions/feedback", _document(d.Feedback), {"json": body}, is_repeatable=False)


# The service itself


def get_system() -> Call[d.System]:
    """Queues, workers with their jobs, and which build of the service this is. For keys with the scope `admin`."""
    return Call("GET", "/v1/system", _document(d.System))
