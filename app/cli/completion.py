"""`numeral completion bash | zsh | fish`: the script that completes commands and options in a shell."""

from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

SHELLS = ("bash", "zsh", "fish")

completion_init()  # Typer does it for its own --install-completion alone, which `numeral completion` stands for


def completion(
    shell: Annotated[
        str, typer.Argument(metavar="|".join(SHELLS), help="your shell", autocompletion=lambda: list(SHELLS))
    ],
) -> None:
    """Print a completion script, such as for ~/.bashrc: eval "$(numeral completion bash)"."""
    if shell not in SHELLS:
        raise typer.BadParameter(f"there is no completion for {shell!r}; there is one for {', '.join(SHELLS)}")
    typer.echo(get_completion_script(prog_name="numeral", complete_var="_NUMERAL_COMPLETE", shell=shell))
