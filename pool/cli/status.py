"""`ulpool status` and `ulpool stop`: what is asked of a running server through its control directory."""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pool import messages
from pool.cli import CONTEXT_SETTINGS, SettingsCommand
from pool.config import resolve
from pool.control import find, request
from pool.exit_status import ExitStatus
from pool.messages import ServerStatus
from pool.stats import GAUGE, STATISTICS, Statistic

ANSWER_TIMEOUT: Final = 5.0  # seconds; the acceptor's loop never does anything slow
WIDTH_OF_A_FILE: Final = 120  # columns, where there is no terminal

FIND_BY: Final = ("config", "control")


@click.command(
    cls=SettingsCommand,
    settings=FIND_BY,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool status\n"
    "  ulpool status --json | jq .counters.instances_stored\n"
    "  watch ulpool status\n"
    "\n"
    "The server of this user is found by itself where only one runs.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs instead of tables for people.")
def status(as_json: bool, **command_line: Any) -> int:
    """Show workers, associations, counts and rates of the server."""
    answer = _ask(_control_directory(command_line), messages.STATUS())
    server = cast(ServerStatus, answer["status"])
    if as_json:
        click.echo(json.dumps(server, indent=2))
    else:
        _show(server)
    return ExitStatus.OK


@click.command(
    cls=SettingsCommand,
    settings=FIND_BY,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n  ulpool stop\n  ulpool stop --now --control /run/ulpool",
)
@click.option("--now", is_flag=True, help="Abort the associations instead of letting running operations finish.")
def stop(now: bool, **command_line: Any) -> int:
    """Stop the server, and wait until it is gone.

    Operations that run may finish, within the time the server gives them (--graceful-timeout).
    """
    directory = _control_directory(command_line)
    pid = int(_ask(directory, messages.STOP(now=now))["pid"])
    _wait_for_end(pid)
    click.echo(f"stopped (pid {pid})")
    return ExitStatus.OK


def _control_directory(command_line: dict[str, Any]) -> Path:
    return find(resolve(command_line, os.environ).control)


def _ask(directory: Path, message: dict[str, Any]) -> dict[str, Any]:
    answer = request(directory, message, ANSWER_TIMEOUT)
    if answer["type"] == messages.FAILED.type:
        raise click.ClickException(str(answer["message"]))
    return answer


def _wait_for_end(pid: int) -> None:
    """Until the process is gone; the server itself bounds how long that takes."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            select.select([pidfd], [], [])
        finally:
            os.close(pidfd)


# For people


def _show(server: ServerStatus) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    title = f"{server['aet']} on {', '.join(server['bind'])}: {server['state']}"
    console.print(Text(f"{title} for {_duration(server['seconds'])} (pid {server['pid']})", style="bold"))
    console.print(_workers(server), _associations(server), _counts(server), sep="\n")


def _workers(server: ServerStatus) -> Table:
    table = _table("Workers", "number", "pid", "state", "connections", "age", "C-STORE", "received")
    for worker in server["workers"]:
        counters = worker["counters"]
        table.add_row(
            *_cells(worker["number"], worker["pid"], worker["state"], worker["connections"]),
            *_cells(_duration(worker["seconds"]), counters.get("c_store_requests", 0)),
            _size(counters.get("bytes_received", 0)),
        )
    return table


def _associations(server: ServerStatus) -> Table:
    table = _table("Associations", "peer", "calling", "called", "worker", "age")
    for association in server["associations"]:
        table.add_row(
            *_cells(association["peer"], association["calling_ae_title"], association["called_ae_title"]),
            *_cells(association["worker"], _duration(association["seconds"])),
        )
    return table


def _counts(server: ServerStatus) -> Table:
    counters, rates = server["counters"], server["rates"]
    table = _table("Counts", "what", "now or in all", f"per second, last {server['rate_seconds']:.0f} s")
    for row in STATISTICS:
        rate = "" if row.kind == GAUGE else _amount(row, rates.get(row.name, 0.0))
        table.add_row(row.help, _amount(row, counters.get(row.name, 0)), rate)
    for code, count in sorted(counters.get("failures", {}).items()):
        table.add_row(f"responses with status {code}H", str(count), "")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _cells(*values: object) -> Iterable[Text]:
    """A title came from a peer: neither markup nor control characters of it reach the terminal."""
    for value in values:
        text = str(value)
        yield Text(text if text.isascii() and text.isprintable() else ascii(text)[1:-1])


def _amount(row: Statistic, value: float) -> str:
    if row.name.startswith("bytes"):
        return _size(value)
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole // 60 % 60} min"
