"""The trace as a page: Markdown for GitHub, with formulas in LaTeX, or HTML for the console's KaTeX."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from models.wording import counted

HEADINGS = {
    "forward": (
        "Forward pass",
        "The inputs run through the network; every unit is a sigmoid of its sum.",
        "The inputs run through the network, layer by layer: a unit is its sum, and the activation of that.",
    ),
    "error": (
        "Error",
        "Half the squared distance of each output from its target, and their sum.",
        "What each output contributes to the error, and their sum; of several samples, the mean.",
    ),
    "gradient": (
        "Gradients",
        "How the error changes with each weight: the chain rule, from the outputs back to the inputs. A hidden "
        "activation reaches both outputs, so its derivative is a sum over two paths.",
        "How the error changes with each weight: the chain rule, from the outputs back to the inputs. A hidden "
        "activation reaches every unit of the next layer, so its derivative is a sum over as many paths.",
    ),
    "update": (
        "Updated weights",
        "All weights step at once, against their gradients.",
        "All weights step at once, against their gradients.",
    ),
}
TITLE = "One step of backpropagation"
MAX_SAMPLES = 8  # of which inputs and targets are named


def render(
    trace: dict[str, Any], *, inputs: tuple[float, ...], targets: tuple[float, ...], learning_rate: float, picture: str
) -> str:
    """Returns the Markdown of a step of the 2-2-2 network. `picture` is the URL of the network's diagram."""
    samples = describe_samples([inputs], [targets], trace["errors"]["E_total"])
    introduction = f"The step of a 2-2-2 network at learning rate {learning_rate:g}. {samples}"
    diagram = f"![The network with its weights and gradients]({picture})\n"
    return "\n".join([f"# {TITLE}\n", f"{introduction}\n", diagram, *_sections(trace, place=1)])


def describe_samples(inputs: Sequence[Sequence[float]], targets: Sequence[Sequence[float]], error: float | None) -> str:
    """What the step is taken on, and its error before; None where that overflowed."""
    samples = [
        f"inputs {_join(sample)}, {'target' if len(target) == 1 else 'targets'} {_join(target)}"
        for sample, target in zip(inputs, targets, strict=True)
    ]
    shown = "; ".join(samples[:MAX_SAMPLES])
    others = f"; and {counted(len(samples) - MAX_SAMPLES, 'more sample')}" if len(samples) > MAX_SAMPLES else ""
    error_text = "is no finite number" if error is None or not math.isfinite(error) else f"is {error:.9g}"
    return f"{shown[:1].upper()}{shown[1:]}{others}. The error before the step {error_text}."


def render_general(trace: dict[str, Any], introduction: str) -> str:
    """Returns the Markdown of a step of any network."""
    return "\n".join([f"# {TITLE}\n", f"{introduction}\n", *_sections(trace, place=2)])


def render_html(trace: dict[str, Any], introduction: str) -> str:
    """Returns the same as HTML. Each formula is an element with the class `formula`, for the script that KaTeX is."""
    parts = [f"<h1>{TITLE}</h1>", f"<p>{escape(introduction)}</p>"]
    for section, (heading, _, text) in HEADINGS.items():
        parts += [f"<h2>{heading}</h2>", f"<p>{text}</p>"]
        parts += [_render_step_html(step) for step in trace["steps"] if step["section"] == section]
    return PAGE.format(title=TITLE, body="\n".join(parts))


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="../../console/icon.svg">
<link rel="stylesheet" href="../../console/vendor/katex/katex.css">
<link rel="stylesheet" href="../../console/trace.css">
<script type="module" src="../../console/trace.js"></script>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _sections(trace: dict[str, Any], *, place: int) -> list[str]:
    parts = []
    for section, texts in HEADINGS.items():
        parts.append(f"## {texts[0]}\n\n{texts[place]}\n")
        parts += [_render_step(step) for step in trace["steps"] if step["section"] == section]
    return parts


def _render_step(step: dict[str, Any]) -> str:
    text = f"```math\n{step['latex']}\n```\n\n`{step['symbol']} = {step['substituted']}` = **{step['value']:.9g}**\n"
    if not step["factors"]:
        return text
    rows = [f"| `{each['symbol']}` | `{each['formula']}` | {each['value']:.9g} |" for each in step["factors"]]
    return text + "\n| Factor | Formula | Value |\n|---|---|---:|\n" + "\n".join(rows) + "\n"


def _render_step_html(step: dict[str, Any]) -> str:
    numbers = f"{step['symbol']} = {step['substituted']}"
    text = (
        f'<p class="formula">{escape(step["latex"])}</p>\n'
        f"<p><code>{escape(numbers)}</code> = <b>{step['value']:.9g}</b></p>"
    )
    if not step["factors"]:
        return text
    rows = "".join(
        f"<tr><td><code>{escape(each['symbol'])}</code></td><td><code>{escape(each['formula'])}</code></td>"
        f"<td>{each['value']:.9g}</td></tr>"
        for each in step["factors"]
    )
    return f"{text}\n<table><tr><th>Factor</th><th>Formula</th><th>Value</th></tr>{rows}</table>"


def _join(numbers: Sequence[float]) -> str:
    return " and ".join(f"{number:g}" for number in numbers)
