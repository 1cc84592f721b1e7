"""`ulpool completion`: what a shell reads to complete verbs, options and their values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pool.cli import CONTEXT_SETTINGS, verbs
from pool.exit_status import ExitStatus

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  source <(ulpool completion bash)                                  in ~/.bashrc, or ~/.zshrc with zsh\n"
    "  ulpool completion fish > ~/.config/fish/completions/ulpool.fish",
)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> int:
    """Print the completion script of a shell."""
    completes = get_completion_class(shell)
    assert completes is not None
    click.echo(completes(verbs, {}, "ulpool", "_ULPOOL_COMPLETE").source())
    return ExitStatus.OK
