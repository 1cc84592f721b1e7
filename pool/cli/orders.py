"""`ulpool scale`, `reload`, `drain`, `stop`, `abort` and `log-level`: what a running server is told to do."""

from __future__ import annotations

from typing import Any

import click

from pool.cli.running import control, verb
from pool.exit_status import ExitStatus
from pool.logs import LEVELS


@verb("\b\nExamples:\n  ulpool scale 8\n  ulpool scale +1\n  ulpool scale -2", ignore_unknown_options=True)
@click.argument("workers", metavar="N|+N|-N")
def scale(workers: str, **command_line: Any) -> int:
    """Have more or fewer worker processes, until the next reload.

    Who has to go lets its associations end first: an idle one after --drain-idle, one at work when it is done.
    """
    number = control(command_line).scale(workers)
    click.echo("1 worker" if number == 1 else f"{number} workers")
    return ExitStatus.OK


@verb("\b\nExamples:\n  ulpool reload\n  ulpool reload --control /run/ulpool")
def reload(**command_line: Any) -> int:
    """Serve with the settings and the application as they are now.

    All settings are read again, and new workers start with them. When all of those are ready they take over, and the
    old ones let their associations end. Where anything will not do, the old ones go on and the reason is told.
    """
    reloaded = control(command_line).reload()
    changed = ", ".join(reloaded["changed"]) or "no setting changed"
    click.echo(f"reloaded: generation {reloaded['generation']}, {reloaded['workers']} workers; {changed}")
    for name in reloaded["ignored"]:
        click.echo(f"{name}: changed too, and will hold after a restart", err=True)
    return ExitStatus.OK


@verb("\b\nExamples:\n  ulpool drain && ulpool stop")
def drain(**command_line: Any) -> int:
    """Let nobody in any more, and wait until the last association has ended.

    The addresses are closed at once. An idle association is aborted after --drain-idle; one at work has all the time
    it needs. The server stays, drained, until it is stopped.
    """
    control(command_line).drain()
    click.echo("drained")
    return ExitStatus.OK


@verb("\b\nExamples:\n  ulpool stop\n  ulpool stop --now --control /run/ulpool")
@click.option("--now", is_flag=True, help="Abort the associations instead of letting running operations finish.")
def stop(now: bool, **command_line: Any) -> int:
    """Stop the server, and wait until it is gone.

    Operations that run may finish, within the time the server gives them (--graceful-timeout).
    """
    pid = control(command_line).stop(now=now)
    click.echo(f"stopped (pid {pid})")
    return ExitStatus.OK


@verb("\b\nExamples:\n  ulpool abort 4711\n\nulpool associations shows the ids.")
@click.argument("association", metavar="ID", type=int)
def abort(association: int, **command_line: Any) -> int:
    """Abort one association."""
    control(command_line).abort(association)
    click.echo(f"aborted {association}")
    return ExitStatus.OK


@verb("\b\nExamples:\n  ulpool log-level debug\n  ulpool log-level info")
@click.argument("level", type=click.Choice(list(LEVELS)))
def log_level(level: str, **command_line: Any) -> int:
    """Have the server log from this level on, until the next reload."""
    control(command_line).log_level(level)
    click.echo(f"logging from {level} on")
    return ExitStatus.OK
