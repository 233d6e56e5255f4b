"""`numeral submit train | sweep | search`: queue a job. The options are the fields of its spec."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.jobs import watch_job
from app.cli.options import JsonOption
from app.cli.output import print_json
from app.cli.service import UrlOption, open_client
from app.cli.spec_options import given_fields, spec_parameters, with_parameters
from app.errors import FileUnusable, file_is
from app.jobs.specs import BackpropSweepSpec, MnistTrainingSpec, TrainingSearchSpec

submit = typer.Typer(no_args_is_help=True, help="Queue a job.")

SpecOption = Annotated[
    str | None, typer.Option(metavar="JSON|FILE", help="more fields, as JSON or in a file; - for stdin")
]
WatchOption = Annotated[bool, typer.Option("--watch", help="follow it to its end, with a progress bar")]
SpaceOption = Annotated[
    list[str],
    typer.Option(metavar="FIELD=...", help="what is searched: field=low:high, field=low:high:log or field=a,b,c"),
]


def train(
    spec: SpecOption = None, watch: WatchOption = False, url: UrlOption = None, as_json: JsonOption = False,
    **options: Any,
) -> None:  # fmt: skip
    """Train the digit network. The recipe fills in what is left out; shown are the values of `fast`."""
    fields = given_fields(MnistTrainingSpec, options)
    _submit("mnist_training", _read_spec(spec, "mnist_training") | fields, watch=watch, url=url, as_json=as_json)


def sweep(
    spec: SpecOption = None, watch: WatchOption = False, url: UrlOption = None, as_json: JsonOption = False,
    **options: Any,
) -> None:  # fmt: skip
    """Train a small network once per learning rate. Lists are 0.1,0.5 or JSON."""
    fields = given_fields(BackpropSweepSpec, options)
    _submit("backprop_sweep", _read_spec(spec, "backprop_sweep") | fields, watch=watch, url=url, as_json=as_json)


def search(
    space: SpaceOption, spec: SpecOption = None, watch: WatchOption = False, url: UrlOption = None,
    as_json: JsonOption = False, **options: Any,
) -> None:  # fmt: skip
    """Search for the best settings of a training. Options of a training are the same for all trials."""
    fields = given_fields(TrainingSearchSpec, options)
    base = {name: value for name, value in given_fields(MnistTrainingSpec, options).items() if name not in fields}
    asked = _read_spec(spec, "training_search") | fields
    for name, more in {"space": dict(map(_dimension, space)), "base": base}.items():
        if not isinstance(asked.setdefault(name, {}), dict):
            raise typer.BadParameter(f"--spec: {name} must be an object")
        asked[name] |= more
    _submit("training_search", asked, watch=watch, url=url, as_json=as_json)


SEARCH_PARAMETERS = spec_parameters(TrainingSearchSpec, exclude=("space", "base"))
submit.command()(with_parameters(train, spec_parameters(MnistTrainingSpec)))
submit.command()(with_parameters(sweep, spec_parameters(BackpropSweepSpec)))
submit.command()(
    with_parameters(
        search,
        [
            *SEARCH_PARAMETERS,
            *spec_parameters(MnistTrainingSpec, exclude=[parameter.name for parameter in SEARCH_PARAMETERS]),
        ],
    )
)


def _submit(kind: str, fields: dict[str, Any], *, watch: bool, url: str | None, as_json: bool) -> None:
    with open_client(url) as client:
        job = client.submit({"kind": kind} | fields)
        if watch:
            watch_job(job, as_json=as_json)
        elif as_json:
            print_json(job.document)
        else:
            typer.echo(job.id)
            typer.echo(f"Follow it with `numeral jobs watch {job.id}`.", err=True)


def _read_spec(spec: str | None, kind: str) -> dict[str, Any]:
    """The fields that --spec has. Raises BadParameter, also if it is of another kind."""
    if spec is None:
        return {}
    text = spec
    try:
        if not spec.lstrip().startswith(("{", "[")):
            with file_is("read"):
                text = typer.get_text_stream("stdin").read() if spec == "-" else Path(spec).read_text()
        found = json.loads(text)
    except FileUnusable as error:
        raise typer.BadParameter(f"--spec: {error}") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise typer.BadParameter(f"--spec is not JSON: see {place}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise typer.BadParameter("--spec is not JSON") from error
    if not isinstance(found, dict):
        raise typer.BadParameter('--spec must be an object, such as {"epochs": 3}')
    if (other := found.pop("kind", kind)) != kind:
        raise typer.BadParameter(f"--spec is of the kind {other}, and this command submits a {kind}")
    return found


def _dimension(text: str) -> tuple[str, dict[str, Any]]:
    """The field and what is searched of it: a range, or values."""
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise typer.BadParameter(f"--space must be like learning_rate=0.01:0.5:log or batch_size=32,64, not {text!r}")
    name, ends = name.replace("-", "_"), values.split(":")
    if len(ends) == 1:
        return name, {"values": [_value(part) for part in values.split(",")]}
    if len(ends) not in (2, 3) or ends[2:] not in ([], ["log"]):
        raise typer.BadParameter(f"a range is low:high or low:high:log, not {values!r}")
    return name, {"low": _value(ends[0]), "high": _value(ends[1]), "log": len(ends) == 3}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
