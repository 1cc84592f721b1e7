"""The result on a terminal, and several beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pool import showing
from pool.load.causes import in_words
from pool.load.circumstances import ALIKE, differences
from pool.load.comparison import Run, rows
from pool.load.figures import Figures
from pool.load.result import Result, verification_in_words
from pool.load.tally import COUNTS, PHASES

SHOWN: Final = ("mean", "p50", "p90", "p99", "p99.9", "max")
MOST_CAUSES: Final = 10


def summary(result: Result) -> RenderableType:
    """Everything that matters, most of it one table."""
    parts: list[RenderableType] = [Text(""), _phases(result.figures), Text(""), _totals(result)]
    parts += _causes(result.figures)
    if result.plan["background"]:
        counted = (
            f"{showing.number(n)} {help}" for name, help in COUNTS.items() if (n := result.background.count(name))
        )
        parts.append(Text(f"beside the work: {', '.join(counted) or 'nothing'}"))
        parts += _causes(result.background)
    parts += [Text(f"W: {warning}", style="yellow") for warning in result.warnings]
    if result.verification:
        style = "green" if result.verification["complete"] else "bold red"
        parts.append(Text(verification_in_words(result.verification), style=style))
    for row in result.thresholds:
        word, style = ("crossed", "bold red") if row["crossed"] else ("held", "green")
        parts.append(Text.assemble((f"{word:8}", style), f"{row['text']}: {row['shown']}"))
    return Group(*parts)


def _phases(figures: Figures) -> Table:
    table = _table("", "count", "per second", *SHOWN)
    for phase in PHASES:
        for latencies, note in (
            (figures.corrected.get(phase), ""),
            (figures.service.get(phase), ", service time" * (phase in figures.corrected)),
        ):
            if latencies:
                rate = showing.per_second(figures.rate(latencies.count))
                times = (showing.latency(latencies.metric(metric)) for metric in SHOWN)
                table.add_row(phase + note, showing.number(latencies.count), rate, *times, style="dim" if note else "")
    return table


def _totals(result: Result) -> Text:
    figures = result.figures
    errors = figures.count("errors")
    share = showing.share(errors, figures.attempts)
    failed = f"{showing.number(errors)} errors of {showing.number(figures.attempts)} ({share})"
    payload = figures.count("payload_bytes")
    sent = f"payload {showing.size(payload)} ({showing.size(figures.rate(payload))}/s)"
    wire = f"wire {showing.size(figures.count('bytes_sent'))} out, {showing.size(figures.count('bytes_received'))} in"
    cpu = f"generator CPU {', '.join(f'{share:.0%}' for share in result.cpu_shares)}"
    after = f"{showing.time(result.seconds)}{f', stopped: {result.stopped}' if result.stopped else ''}"
    return Text.assemble(
        f"{after}; ", (failed, "bold red" if errors else ""), "\n", "; ".join([*([sent] if payload else []), wire, cpu])
    )


def _causes(figures: Figures) -> Iterator[RenderableType]:
    ordered = sorted(figures.causes.items(), key=lambda item: -item[1])
    for cause, count in ordered[:MOST_CAUSES]:
        yield Text(f"{count:>8,} x {in_words(cause)}")
    if len(ordered) > MOST_CAUSES:
        yield Text(f"{sum(count for _, count in ordered[MOST_CAUSES:]):>8,} x for other reasons")


# Several


def comparison(runs: Sequence[Run], plain: Callable[[str], str]) -> RenderableType:
    """A column per run, with the ratio to the first one; then what was not the same in all of them.

    Words that come from the files are shown as `plain` makes them.
    """
    names = [plain(run.name) for run in runs]
    figures, unlike = _table("", *names), _table("what differs", *names, is_folded=True)
    for row in rows(runs):
        figures.add_row(row.heading, *row.shown)
    for name, words in differences([run.result for run in runs]):
        unlike.add_row(*(Text(plain(word)) for word in (name, *words)))
    return Group(figures, Text(""), unlike if unlike.row_count else Text(ALIKE))


def _table(*columns: str, is_folded: bool = False) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(Text(column), justify="right" if number else "left", no_wrap=not is_folded, overflow="fold")
    return table
