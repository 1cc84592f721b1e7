"""`ulpool status`, `workers` and `associations`: what a running server is and does, at one moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from pool import showing
from pool.cli.running import FOUND_BY_ITSELF, as_json, control, verb
from pool.cli.tables import cells, console, table
from pool.exit_status import ExitStatus
from pool.messages import AssociationStatus, ServerStatus, WorkerStatus
from pool.stats import GAUGE, STATISTICS, Statistic, failures


@verb(f"\b\nExamples:\n  ulpool status\n  ulpool status --json | jq .counters.instances_stored\n\n{FOUND_BY_ITSELF}")
@as_json
def status(as_json: bool, **command_line: Any) -> int:
    """Show workers, associations, counts and rates of the server."""
    server = control(command_line).status()
    if as_json:
        click.echo(json.dumps(server, indent=2))
    else:
        title = f"{server['aet']} on {', '.join(server['bind'])}: {server['state']}"
        console().print(Text(f"{title} for {showing.time(server['seconds'])} (pid {server['pid']})", style="bold"))
        tables = (workers_table(server["workers"]), _associations(server["associations"]), _counts(server))
        console().print(*tables, sep="\n")
    return ExitStatus.OK


@verb(f"\b\nExamples:\n  ulpool workers\n  ulpool workers --json | jq '.[].memory'\n\n{FOUND_BY_ITSELF}")
@as_json
def workers(as_json: bool, **command_line: Any) -> int:
    """Show the worker processes, why some are leaving, and why others went before."""
    server = control(command_line).status()
    if as_json:
        click.echo(json.dumps(server["workers"], indent=2))
        return ExitStatus.OK
    console().print(workers_table(server["workers"]))
    gone = server["counters"].get("labelled", {}).get("worker_restarts", {})
    if gone:
        console().print(f"gone: {', '.join(f'{reason} {number}' for reason, number in sorted(gone.items()))}")
    return ExitStatus.OK


@verb(
    "\b\nExamples:\n"
    "  ulpool associations\n"
    "  ulpool associations --calling CT1 --json\n"
    "  ulpool associations --peer 10.0.0.7\n"
    "\n"
    "ulpool abort ID ends one of them."
)
@click.option("--calling", metavar="TITLE", help="Only those of this calling AE title.")
@click.option("--peer", metavar="HOST[:PORT]", help="Only those of this peer.")
@click.option("--worker", metavar="N", type=int, help="Only those of this worker.")
@as_json
def associations(calling: str | None, peer: str | None, worker: int | None, as_json: bool, **command_line: Any) -> int:
    """Show the open associations: who, since when, in which state, how much."""
    listed = control(command_line).associations(calling=calling, peer=peer, worker=worker)
    if as_json:
        click.echo(json.dumps(listed, indent=2))
    else:
        console().print(_detailed(listed))
    return ExitStatus.OK


def workers_table(workers: Sequence[WorkerStatus]) -> Table:
    """Of all workers."""
    columns = ("number", "pid", "generation", "state", "connections", "served", "memory", "age", "C-STORE", "received")
    made = table("Workers", *columns)
    for worker in workers:
        counters = worker["counters"]
        state = f"{worker['state']} ({worker['reason']})" if worker["reason"] else worker["state"]
        made.add_row(
            *cells(worker["number"], worker["pid"], worker["generation"], state),
            *cells(
                worker["connections"], worker["served"], showing.size(worker["memory"]), showing.time(worker["seconds"])
            ),
            *cells(counters.get("c_store_requests", 0), showing.size(counters.get("bytes_received", 0))),
        )
    return made


def _associations(associations: Sequence[AssociationStatus]) -> Table:
    made = table("Associations", "id", "peer", "calling", "called", "worker", "age")
    for association in associations:
        made.add_row(*cells(*_identity(association)))
    return made


def _detailed(associations: Sequence[AssociationStatus]) -> Table:
    """With what their workers know. One that did not answer in time leaves these cells empty."""
    identity = ("id", "peer", "calling", "called", "worker", "age")
    made = table("Associations", *identity, "idle", "state", "messages", "received", "sent")
    for association in associations:
        details = ["", "", "", "", ""]
        if "state" in association:
            busy = association["operations"]
            details = [
                showing.time(association["idle"]),
                f"{association['state']}, {busy} under way" if busy else association["state"],
                str(association["messages"]),
                showing.size(association["bytes_received"]),
                showing.size(association["bytes_sent"]),
            ]
        made.add_row(*cells(*_identity(association), *details))
    return made


def _identity(association: AssociationStatus) -> tuple[object, ...]:
    return (
        *(association["token"], association["peer"], association["calling_ae_title"], association["called_ae_title"]),
        *(association["worker"], showing.time(association["seconds"])),
    )


def _counts(server: ServerStatus) -> Table:
    counters, rates = server["counters"], server["rates"]
    made = table("Counts", "what", "number", f"a second, last {server['rate_seconds']:.0f} s")
    made.columns[0].no_wrap = False
    for row in STATISTICS:
        rate = "" if row.kind == GAUGE else amount(row, rates.get(row.name, 0.0))
        made.add_row(row.help, amount(row, counters.get(row.name, 0)), rate)
    for code, count in sorted(failures(counters).items()):
        made.add_row(f"responses with status {code}H", str(count), "")
    return made


def amount(row: Statistic, value: float) -> str:
    """A statistic's number, or its rate."""
    if row.name.startswith("bytes"):
        return showing.size(value)
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
