"""What the verbs share that ask or tell a server that runs: how it is found, and `--json`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

import click

from pool.cli import CONTEXT_SETTINGS, SettingsCommand
from pool.client import Control
from pool.config import resolve

FOUND_BY_ITSELF: Final = "The server of this user is found by itself where only one runs."

as_json = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for programs instead of tables for people."
)


def verb(epilog: str, **context_settings: Any) -> Callable[[Callable[..., int]], click.Command]:
    """Make a function a verb whose server is found by --config and --control; `epilog` ends its help."""
    return click.command(
        cls=SettingsCommand,
        settings=("config", "control"),
        context_settings={**CONTEXT_SETTINGS, **context_settings},
        epilog=epilog,
    )


def control(command_line: dict[str, Any]) -> Control:
    """The server that the options mean."""
    return Control(resolve(command_line, os.environ).control)
