"""The trace as a Markdown page for GitHub: formulas in LaTeX and with numbers, and a picture of the network."""

from typing import Any

HEADINGS = {
    "forward": ("Forward pass", "The inputs run through the network; every unit is a sigmoid of its sum."),
    "error": ("Error", "Half the squared distance of each output from its target, and their sum."),
    "gradient": (
        "Gradients",
        "How the error changes with each weight: the chain rule, from the outputs back to the inputs. A hidden "
        "activation reaches both outputs, so its derivative is a sum over two paths.",
    ),
    "update": ("Updated weights", "All weights step at once, against their gradients."),
}


def render(
    trace: dict[str, Any], *, inputs: tuple[float, ...], targets: tuple[float, ...], learning_rate: float, picture: str
) -> str:
    """Returns the page. `picture` is the URL of the network's diagram."""
    parts = [
        "# One step of backpropagation\n",
        f"Inputs {_join(inputs)}, targets {_join(targets)}, learning rate {learning_rate:g}. "
        f"The error before the step is {trace['errors']['E_total']:.9g}.\n",
        f"![The network with its weights and gradients]({picture})\n",
    ]
    for section, (heading, introduction) in HEADINGS.items():
        parts.append(f"## {heading}\n\n{introduction}\n")
        parts += [_render_step(step) for step in trace["steps"] if step["section"] == section]
    return "\n".join(parts)


def _render_step(step: dict[str, Any]) -> str:
    text = f"```math\n{step['latex']}\n```\n\n`{step['symbol']} = {step['substituted']}` = **{step['value']:.9g}**\n"
    if not step["factors"]:
        return text
    rows = [f"| `{each['symbol']}` | `{each['formula']}` | {each['value']:.9g} |" for each in step["factors"]]
    return text + "\n| Factor | Formula | Value |\n|---|---|---:|\n" + "\n".join(rows) + "\n"


def _join(numbers: tuple[float, ...]) -> str:
    return " and ".join(f"{number:g}" for number in numbers)
