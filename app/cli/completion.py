"""`numeral completion bash | zsh | fish`: the script that completes commands and options in a shell."""

from typing import Annotated, Literal

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

completion_init()  # Typer does it for its own --install-completion alone, which `numeral completion` stands for


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="which shell")],
) -> None:
    """Print a completion script, such as for ~/.bashrc: eval "$(numeral completion bash)"."""
    typer.echo(get_completion_script(prog_name="numeral", complete_var="_NUMERAL_COMPLETE", shell=shell))
