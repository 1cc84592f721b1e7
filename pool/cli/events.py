"""`ulpool events`: what happens in a running server, as it happens."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from typing import Any

import click

from pool.cli.running import control, verb
from pool.cli.tables import plain
from pool.exit_status import ExitStatus
from pool.messages import EVENTS

_NOT_SHOWN = ("type", "time", "number")


@verb(
    "\b\nExamples:\n"
    "  ulpool events\n"
    "  ulpool events association. worker.\n"
    "  ulpool events instance.stored --json | jq -r .path\n"
    "\n"
    "\b\nTypes:\n" + "\n".join(f"  {row.type:<22}{row.help}" for row in EVENTS.values())
)
@click.argument("types", metavar="[TYPE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def events(types: tuple[str, ...], as_json: bool, **command_line: Any) -> int:
    """Follow what happens: all of it, or types that begin so. Ends with the server, or Ctrl-C.

    The server never waits for who follows: who reads too slowly misses some, and is told unless types are given.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # libzmq may be about to wait: nothing of ours would be asked
    last = None
    with contextlib.suppress(BrokenPipeError):
        for event in control(command_line).events(*types):
            if last is not None and not types and event["number"] > last + 1:
                click.echo(f"missed {event['number'] - last - 1} events: reading was too slow", err=True)
            last = event["number"]
            click.echo(json.dumps(event) if as_json else _line(event))
    return ExitStatus.OK


def _line(event: dict[str, Any]) -> str:
    fields = " ".join(f"{name}={plain(value)}" for name, value in event.items() if name not in _NOT_SHOWN)
    return f"{time.strftime('%H:%M:%S', time.localtime(event['time']))} {event['type']} {fields}"
