"""The synchronous client: what calls.py and flows.py describe, as methods."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from numeral_client import calls, errors, flows
from numeral_client.calls import Call, Request, Steps
from numeral_client.connection import Connection
from numeral_client.documents import Document, JobDocument, JobView, Result
from numeral_client.events import Event, EventDecoder
from numeral_client.waiting import Patience

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R", bound=Document)
J = TypeVar("J", bound="Job[Any]")


def described_by(build: Callable[..., Any], *, is_of_job: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Gives a method the name, the text and the signature of the function that it sends, for help()."""

    def describe(method: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(build)
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        others = list(signature.parameters.values())[is_of_job:]
        method.__signature__ = signature.replace(parameters=[own, *others], return_annotation=signature.empty)  # type: ignore[attr-defined]
        return method

    return lambda method: describe(wraps(build)(method))


def _method(build: Callable[P, Steps[T]]) -> Callable[Concatenate[Any, P], T]:
    """A method of the client that does these steps."""

    @described_by(build)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        done: T = self._client.run(build(*args, **kwargs))
        return done

    return method


def _job_method(build: Callable[P, Steps[JobView[R]]]) -> Callable[Concatenate[Any, P], Job[R]]:
    """A method of the client that returns a job."""

    @described_by(build)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        return Job(self._client, self._client.run(build(*args, **kwargs)).document)

    return method


def _of_job(build: Callable[Concatenate[str, P], Steps[T]]) -> Callable[Concatenate[Any, P], T]:
    """A method of a job."""

    @described_by(build, is_of_job=True)
    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        done: T = self._client.run(build(self.id, *args, **kwargs))
        return done

    return method


def _update(build: Callable[Concatenate[str, P], Steps[JobDocument]]) -> Callable[Concatenate[J, P], J]:
    """A method of a job that leaves it as the service says it is then."""

    @described_by(build, is_of_job=True)
    def method(self: J, /, *args: P.args, **kwargs: P.kwargs) -> J:
        self.document = self._client.run(build(self.id, *args, **kwargs))
        return self

    return method


class Client:
    """A client of the service at `url` (NUMERAL_URL), with the key `key` (NUMERAL_API_KEY) where it needs one.

    Requests that were not answered are sent again, up to `retries` times: after a broken connection where that does no
    harm (a job is submitted with an idempotency key), and when an overloaded service says when to ask again.
    `trust_env`: whether to use a proxy that the environment names, by default for all addresses but this machine's.
    """

    def __init__(
        self, url: str | None = None, *, key: str | None = None, retries: int = 3, trust_env: bool | None = None
    ) -> None:
        self._client = self
        self._connection = Connection.of(url, key, retries=retries, trust_env=trust_env)
        self._http: httpx.Client = self._connection.open(httpx.Client)
        self.backprop = Backprop(self)
        self.jobs, self.models, self.aliases, self.datasets = Jobs(self), Models(self), Aliases(self), Datasets(self)

    @property
    def url(self) -> str:
        return self._connection.url

    def __repr__(self) -> str:
        return f"<Client {self.url}>"

    predict = _method(calls.predict)
    predict_many = _method(flows.predict_many)
    read = _method(calls.read)
    feedback = _method(calls.give_feedback)
    submit = _job_method(calls.submit)
    train = _job_method(calls.train)
    search = _job_method(calls.search)
    recipes = _method(calls.list_recipes)
    system = _method(calls.get_system)

    def run(self, steps: Steps[T]) -> T:
        """Do the steps of `calls` or `flows`, and return what they return. Raises ApiError, ConnectionFailed."""
        flow = iter(steps)
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._do(step)
                except Exception as error:  # for the flow, which knows what to do
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as end:
            returned: T = end.value
            return returned

    def _do(self, step: Any) -> Any:
        if isinstance(step, Call):
            return self.run(self._connection.send(step))
        if isinstance(step, Request):
            return self._http.request(step.method, step.path, timeout=step.timeout, **step.options)
        return time.sleep(step)

    def follow(self, job_id: str, *, after: int = 0) -> Iterator[Event]:
        """The events of a job past number `after`, live until its end. A connection that breaks is opened again."""
        decoder, patience = EventDecoder(after=after), Patience()
        while not decoder.is_ended:
            call = calls.job_events(job_id, decoder.headers)
            try:
                with self._http.stream(call.method, call.path, timeout=call.timeout, **call.options) as response:
                    if response.status_code == 204:
                        return
                    if not response.is_success:
                        response.read()
                    call.read(response)
                    decoder.connect()
                    for chunk in response.iter_bytes():
                        patience.has_answered()
                        yield from decoder.feed(chunk)
            except (httpx.TransportError, errors.Unavailable) as error:
                time.sleep(patience.pause_after(errors.of(error, self.url)))
            else:
                time.sleep(0 if decoder.is_ended else patience.pause_after(errors.cut_off(job_id)))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Job(JobView[Result]):
    """A job of the service, as it was when the service was last asked."""

    def __init__(self, client: Client, document: JobDocument) -> None:
        super().__init__(document)
        self._client = client

    refresh = _update(calls.get_job)
    cancel = _update(calls.cancel_job)
    extend = _update(calls.extend_search)
    delete = _of_job(calls.delete_job)
    plot = _of_job(calls.plot_job)
    hardest = _of_job(calls.draw_hardest)
    curves = _of_job(calls.get_curves)
    trials = _of_job(calls.list_trials)
    plot_trials = _of_job(calls.draw_search)

    def retry(self, **changes: Any) -> Job[Result]:
        """Queue a failed or cancelled job again; with `learning_rate` or `epochs`, a training as a new job."""
        return Job(self._client, self._client.run(calls.retry_job(self.id, **changes)))

    def follow(self, *, after: int = 0) -> Iterator[Event]:
        """The job's events past number `after`, live until its end; it resumes by itself. Then it is up to date."""
        yield from self._client.follow(self.id, after=after)
        self.refresh()

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> Job[Result]:
        """Wait for the end, with a progress bar in terminals and notebooks. Raises JobFailed, TimedOut."""
        self.document = self._client.run(flows.wait(self.document, timeout=timeout, progress=progress))
        return self


class Part:
    """A part of the client."""

    def __init__(self, client: Client) -> None:
        self._client = client


class Jobs(Part):
    get = _job_method(flows.get_job)
    list = _method(flows.list_jobs)
    compare = _method(calls.compare_jobs)
    plot_comparison = _method(calls.plot_comparison)


class Backprop(Part):
    sweep = _job_method(calls.sweep)
    trace = _method(calls.trace)
    trace_page = _method(calls.explain_step)
    diagram = _method(calls.draw_step)


class Models(Part):
    list = _method(calls.list_models)
    get = _method(calls.get_model)
    annotate = _method(calls.annotate_model)
    file = _method(calls.get_model_file)
    download = _method(flows.download_model)
    delete = _method(calls.delete_model)


class Aliases(Part):
    list = _method(calls.list_aliases)
    get = _method(calls.get_alias)
    history = _method(calls.get_history)
    set = _method(calls.set_alias)
    rollback = _method(calls.roll_back)
    delete = _method(calls.delete_alias)


class Datasets(Part):
    list = _method(calls.list_datasets)
    get = _method(calls.get_dataset)
    sheet = _method(calls.draw_dataset)
    pictures = _method(calls.list_pictures)
    correct = _method(calls.correct_label)
    upload = _method(flows.upload_dataset)
    delete = _method(calls.delete_dataset)
