"""`ulpool top`: what a running server does right now, by worker, calling title and command.

A rate is the difference of two samples. Those of a calling title are made of its associations: of the open ones by what
their workers know, of those that were closed in between by the event that said so, so that short ones count as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import termios
import tty
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any, Final, NamedTuple

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from pool import showing
from pool.cli.running import as_json, control, verb
from pool.cli.tables import cells, console, plain, table
from pool.client import Control
from pool.exit_status import ExitStatus
from pool.messages import ASSOCIATION_CLOSED, ServerStatus
from pool.stats import HISTOGRAMS, STATISTICS, rates

PERCENTILES: Final = (50, 90, 99)
_BOUNDS: Final = next(row.bounds for row in HISTOGRAMS if row.name == "operation_seconds")
# Statistics whose rates stand in the first lines.
_HEADLINES: Final = ("associations_accepted", "c_store_requests", "c_echo_requests", "bytes_received", "bytes_stored")
_HELP: Final = {row.name: row.help for row in STATISTICS}

# Key -> what the tables are sorted by: the name of a field of their rows, where they have it.
SORTING: Final = {"n": "name", "a": "associations", "m": "messages", "r": "received"}


class Row(NamedTuple):
    """A worker or a calling title."""

    name: str
    associations: int
    messages: float  # per second, as the rest
    received: float
    sent: float
    remark: str = ""


class Latency(NamedTuple):
    """How long operations of one command took, in seconds, as far as the buckets tell."""

    command: str
    per_second: float
    percentiles: dict[int, float]


class View(NamedTuple):
    """Everything that is shown."""

    status: ServerStatus
    rates: dict[str, float]
    workers: list[Row]
    titles: list[Row]
    latencies: list[Latency]


class Moved(NamedTuple):
    """What came and went on one association so far."""

    title: str
    messages: int = 0
    received: int = 0
    sent: int = 0


class Sample(NamedTuple):
    """The server at one moment."""

    at: float
    status: ServerStatus
    open: Counter[str]  # associations by calling title
    moved: dict[int, Moved]  # by association: the open ones, and those that were closed since the sample before


class Watch:
    """A server of which samples are taken."""

    def __init__(self, server: Control) -> None:
        self._server = server
        self._closed = server.events(ASSOCIATION_CLOSED.type)
        self._moved: dict[int, Moved] = {}

    def sample(self) -> Sample:
        """The server as it is now."""
        status, listed = self._server.status(), self._server.associations()
        moved = {}
        for one in listed:
            token, title = one["token"], one["calling_ae_title"]
            if "state" in one:
                moved[token] = Moved(title, one["messages"], one["bytes_received"], one["bytes_sent"])
            else:  # its worker did not answer in time
                moved[token] = self._moved.get(token, Moved(title))
        for event in self._closed.waiting():
            totals = (event["messages"], event["bytes"], event["bytes_sent"])
            moved[event["association"]] = Moved(event["calling"], *totals)
        self._moved = moved
        return Sample(monotonic(), status, Counter(one["calling_ae_title"] for one in listed), moved)


@verb(
    "\b\nExamples:\n"
    "  ulpool top\n"
    "  ulpool top --interval 5\n"
    "  ulpool top --json | jq .rates.c_store_requests\n"
    "\n"
    "Keys: n, a, m and r sort by name, associations, messages and bytes received; q quits."
)
@click.option("--interval", metavar="S", type=click.FloatRange(0.1, 3600), default=1.0, help="Seconds between samples.")
@as_json
def top(interval: float, as_json: bool, **command_line: Any) -> int:
    """Watch rates, workers, calling titles and latencies. Where there is no terminal, one table over one interval."""
    watch = Watch(control(command_line))
    screen = console()
    before = watch.sample()
    if as_json or not (screen.is_terminal and sys.stdin.isatty()):
        _wait(interval)
        view = view_between(before, watch.sample())
        if as_json:
            click.echo(json.dumps(_as_json(view), indent=2))
        else:
            screen.print(_shown(view, "name"))
        return ExitStatus.OK
    with _keys() as key_within, contextlib.suppress(KeyboardInterrupt), Live(screen=True, console=screen) as live:
        sorting, key = "messages", ""
        while key != "q":
            after = watch.sample()
            if after.at - before.at >= interval / 2:
                view, before = view_between(before, after), after
                live.update(_shown(view, sorting), refresh=True)
            key = key_within(interval)
            sorting = SORTING.get(key, sorting)
    return ExitStatus.OK


def view_between(before: Sample, after: Sample) -> View:
    """What happened between two samples."""
    seconds = max(after.at - before.at, 1e-6)
    counters = after.status["counters"]
    return View(
        after.status,
        rates(before.status["counters"], counters, seconds),
        _worker_rows(before, after, seconds),
        _title_rows(before, after, seconds),
        _latencies(before.status["counters"], counters, seconds),
    )


def _worker_rows(before: Sample, after: Sample, seconds: float) -> list[Row]:
    former = {worker["number"]: worker["counters"] for worker in before.status["workers"]}
    rows = []
    for worker in after.status["workers"]:
        grown = rates(_zero | former.get(worker["number"], {}), _zero | worker["counters"], seconds)
        rows.append(
            Row(
                name=str(worker["number"]),
                associations=worker["connections"],
                messages=grown["responses"],
                received=grown["bytes_received"],
                sent=grown["bytes_sent"],
                remark=f"{worker['state']}, {showing.size(worker['memory'])}",
            )
        )
    return rows


_zero: Final = {row.name: 0 for row in STATISTICS}


def _title_rows(before: Sample, after: Sample, seconds: float) -> list[Row]:
    rows: dict[str, Row] = {}
    for token, now in after.moved.items():
        then = before.moved.get(token, Moved(now.title))
        row = rows.get(now.title, Row(now.title, after.open[now.title], 0.0, 0.0, 0.0))
        rows[now.title] = row._replace(
            messages=row.messages + (now.messages - then.messages) / seconds,
            received=row.received + (now.received - then.received) / seconds,
            sent=row.sent + (now.sent - then.sent) / seconds,
        )
    return list(rows.values())


def _latencies(before: Mapping[str, Any], after: Mapping[str, Any], seconds: float) -> list[Latency]:
    former, latter = (counters.get("histograms", {}).get("operation_seconds", {}) for counters in (before, after))
    found = []
    for command, histogram in sorted(latter.items()):
        then = former.get(command, {"counts": [0] * len(histogram["counts"])})
        counts = [now - then for now, then in zip(histogram["counts"], then["counts"], strict=True)]
        if sum(counts) > 0:
            percentiles = {percent: percentile(_BOUNDS, counts, percent) for percent in PERCENTILES}
            found.append(Latency(command, sum(counts) / seconds, percentiles))
    return found


def percentile(bounds: Sequence[float], counts: Sequence[int], percent: float) -> float:
    """The value below which so many percent of the observations are, as if a bucket's lay evenly in it. Those of the
    open bucket count as its lower end."""
    rank = sum(counts) * percent / 100
    below, lower = 0, 0.0
    for upper, count in zip(bounds, counts, strict=False):
        if count and below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below, lower = below + count, upper
    return lower


# For people


def _shown(view: View, sorting: str) -> RenderableType:
    status = view.status
    title = f"{status['aet']} on {', '.join(status['bind'])}: {status['state']} for {showing.time(status['seconds'])}"
    return Group(Text(plain(title), style="bold"), *_headlines(view), *_tables(view, sorting), _footer(sorting))


def _headlines(view: View) -> Iterator[Text]:
    active = view.status["counters"]["associations_active"]
    yield Text(f"{active:>12}  {_HELP['associations_active']}")
    for name in _HEADLINES:
        rate = view.rates[name]
        yield Text(
            f"{showing.size(rate) if name.startswith('bytes') else f'{rate:,.1f}':>12}  {_HELP[name]}, per second"
        )


def _tables(view: View, sorting: str) -> Iterator[RenderableType]:
    columns = ("messages/s", "received/s", "sent/s")
    for title, rows, name, held in (
        ("Workers", view.workers, "worker", "connections"),
        ("Calling titles", view.titles, "title", "associations"),
    ):
        made = table(title, name, held, *columns, "")
        for row in _sorted(rows, sorting):
            shown = (f"{row.messages:,.1f}", showing.size(row.received), showing.size(row.sent), row.remark)
            made.add_row(*cells(row.name, row.associations, *shown))
        yield made
    made = table("Operations", "command", "per second", *(f"p{percent} ms" for percent in PERCENTILES))
    for latency in view.latencies:
        percentiles = (f"{seconds * 1000:,.1f}" for seconds in latency.percentiles.values())
        made.add_row(*cells(latency.command, f"{latency.per_second:,.1f}", *percentiles))
    yield made


def _sorted(rows: Sequence[Row], sorting: str) -> list[Row]:
    if sorting == "name":
        return sorted(rows, key=lambda row: (len(row.name), row.name) if row.name.isdigit() else (0, row.name))
    return sorted(rows, key=lambda row: getattr(row, sorting), reverse=True)


def _footer(sorting: str) -> Text:
    return Text(f"sorted by {sorting}: {', '.join(f'{key} {name}' for key, name in SORTING.items())}; q quits", "dim")


def _as_json(view: View) -> dict[str, Any]:
    return {
        "rates": view.rates,
        "workers": [row._asdict() for row in view.workers],
        "titles": [row._asdict() for row in view.titles],
        "operations": [latency._asdict() for latency in view.latencies],
    }


# Keys


def _wait(seconds: float) -> None:
    select.select([], [], [], seconds)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Single keys of the terminal: gives a function that waits so many seconds for one, and returns it or ""."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)

    def key_within(seconds: float) -> str:
        return os.read(fd, 1).decode("ascii", "replace") if select.select([fd], [], [], seconds)[0] else ""

    try:
        tty.setcbreak(fd)
        yield key_within
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
