"""`numeral trace`: one step of backpropagation, line by line."""

from typing import Any

import typer

from app.cli.options import JsonOption
from app.cli.output import print_json
from app.cli.service import UrlOption, open_client
from app.cli.spec_options import given_fields, spec_parameters, with_parameters
from app.jobs.specs.trace import TraceSpec


def _trace(url: UrlOption = None, as_json: JsonOption = False, **options: Any) -> None:
    """Explain one step of gradient descent: every formula, with its numbers and its value."""
    with open_client(url) as client:
        fields = given_fields(TraceSpec, options)
        if "job" in fields:  # the beginning of an id, as in all commands
            fields["job"] = client.jobs.get(fields["job"]).id
        found = client.backprop.trace(**fields)
    if as_json:
        print_json(found)
        return
    section = ""
    for step in found.steps:
        if step.section != section:
            section = step.section
            typer.echo(f"\n{section.capitalize()}" if section != found.steps[0].section else section.capitalize())
        value = "overflow" if step.value is None else f"{step.value:.9g}"
        typer.echo(f"  {step.symbol} = {step.formula} = {step.substituted} = {value}")


trace = with_parameters(_trace, spec_parameters(TraceSpec))
