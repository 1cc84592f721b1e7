"""The result for people and as Markdown: all rows at a glance, one table for each row of work, what must be reached.

Belongs here: what stands in which cell, as text. Not here: what is compared with what (`results`), or HTML (`page`,
which has these tables too).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from benchmark.measures import METRICS, Workload
from benchmark.results import Results, Verdict, failures, peers_of, values, verdicts
from benchmark.workloads import Target

MET: Final = "yes"
MISSED: Final = "NO"

Table = list[list[str]]


def number(value: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return "never" if math.isinf(value) else f"{value:,.{digits}f}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    if not theirs or ours is None or math.isinf(ours) or math.isinf(theirs):
        return "-"
    return factor(ours / theirs)


def factor(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f} x" if value >= 100 else f"{value:.3g} x"


def table(workload: Workload, results: Results) -> Table:
    """Headings, then a line for each peer that did this work."""
    lines = [["", *(METRICS[name].heading for name in workload.columns)]]
    lines[0] += [f"{METRICS[name].quantity} ratio" for name in workload.compared]
    ours = values(results, workload.name, workload.ours)
    for peer in workload.peers:
        if (result := results.get((workload.name, peer))) is None:
            continue
        theirs = result.values
        mark = (" *" if result.generator_limited else "") + (" !" if result.failures else "")
        cells = [number(theirs.get(name), METRICS[name].digits) for name in workload.columns]
        ratios = [
            _ratio(ours.get(name), theirs.get(name)) if peer != workload.ours else "" for name in workload.compared
        ]
        lines.append([peer + mark, *cells, *ratios])
    return lines


def summary(workloads: Sequence[Workload], results: Results) -> Table:
    """All rows at a glance: what is compared, for each peer."""
    peers = peers_of(results)
    lines = [["", *peers]]
    for workload in workloads:
        for name in workload.compared or workload.columns[1:2]:
            metric = METRICS[name]
            found = [values(results, workload.name, peer).get(name) for peer in peers]
            lines.append([f"{workload.title}: {metric.heading}", *(number(value, metric.digits) for value in found)])
    return lines


def targets(results: Results) -> Table:
    """What must be reached and what is aimed at."""
    lines = [["", "measured", "at least", "met", "aim", "met"]]
    lines += [[_sentence(verdict.target), *_cells(verdict)] for verdict in verdicts(results)]
    return lines if len(lines) > 1 else []


def _sentence(target: Target) -> str:
    metric = METRICS[target.metric].heading
    return f"{target.workload}: {metric} of {target.ours}" + (f", ratio to {target.peer}" if target.peer else "")


def _cells(verdict: Verdict) -> Iterator[str]:
    target = verdict.target
    yield _bound(target, verdict.measured)
    for bound, is_met in ((target.at_least, verdict.is_met), (target.aim, verdict.aim_is_met)):
        yield _bound(target, bound)
        yield "" if is_met is None else MET if is_met else MISSED


def _bound(target: Target, value: float | None) -> str:
    if value is None:
        return ""
    return factor(value) if target.peer else number(value, METRICS[target.metric].digits)


NOTES: Final = (
    "ratio: the value of ulpool (of ul.AE, where no pool is measured) to this peer's",
    "CPU: all processes of the server (of the client, where it sends); generator: cores its busiest process used",
    "dcmtk serves one association at a time: on open associations it has one, not eight",
    "open: at the most at the end of a second; a server may have dropped others, which wait before they come back",
    "* the generator was the limit: the rate is a lower bound, CPU per message stands",
    "! something failed: it is listed below",
)


# ------------------------------------------------------------------------------------------------------- forms


def _aligned(lines: Table) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *rest in lines:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _markdown(lines: Table) -> Iterator[str]:
    head, *rest = lines
    yield f"| {' | '.join(head)} |"
    yield "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"
    for line in rest:
        yield f"| {' | '.join(line)} |"


def document(where: str, workloads: Sequence[Workload], results: Results, *, markdown: bool) -> Iterator[str]:
    form = _markdown if markdown else _aligned
    tables = {"At a glance": summary(workloads, results)}
    tables |= {workload.title: table(workload, results) for workload in workloads}
    tables["What must be reached"] = targets(results)
    yield where
    for title, lines in tables.items():
        if len(lines) > 1:
            yield from ("", f"**{title}**", "") if markdown else ("", title)
            yield from form(lines)
    yield ""
    yield from (f"- {note}" if markdown else note for note in (*NOTES, *failures(results)))
