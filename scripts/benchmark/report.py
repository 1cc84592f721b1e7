"""The result for people, as Markdown and as JSON: one table for each row of work, then what must be reached.

A value is the median over the rounds. Ratios are those of ulpool's value to the peer's; of ul.AE's, where no pool is
measured. Nothing here measures.
"""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmark.measures import METRICS, Measurement, Workload
from benchmark.workloads import TARGETS, Target


@dataclass
class Result:
    """One peer on one row of work, over all rounds."""

    workload: Workload
    peer: str
    rounds: list[Measurement] = field(default_factory=list)

    @property
    def values(self) -> dict[str, float]:
        names = {name for measurement in self.rounds for name in measurement.values}
        return {
            name: statistics.median(m.values[name] for m in self.rounds if name in m.values) for name in sorted(names)
        }

    @property
    def failures(self) -> Counter[str]:
        return +sum((measurement.failures for measurement in self.rounds), Counter())

    @property
    def generator_limited(self) -> bool:
        return any(measurement.generator_limited for measurement in self.rounds)


Results = Mapping[tuple[str, str], Result]  # by (workload, peer)
Table = list[list[str]]


def machine(peers: Sequence[str]) -> str:
    """Where this was measured and what with; no path and no name of the machine."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    where = f"{len(os.sched_getaffinity(0))} CPUs ({cpu[1] if cpu else platform.machine()})"
    software = (f"Linux {platform.release().split('-')[0]}", f"Python {platform.python_version()}")
    return ", ".join([where, *software, *dict.fromkeys(peers)])


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return "never" if math.isinf(value) else f"{value:,.{digits}f}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    if not theirs or ours is None or math.isinf(ours) or math.isinf(theirs):
        return "-"
    return f"{ours / theirs:.3g} x"


def _of(results: Results, workload: str, peer: str) -> dict[str, float]:
    result = results.get((workload, peer))
    return result.values if result else {}


def table(workload: Workload, results: Results) -> Table:
    """Headings, then a line for each peer that did this work."""
    lines = [["", *(METRICS[name].heading for name in workload.columns)]]
    lines[0] += [f"{METRICS[name].quantity} ratio" for name in workload.compared]
    ours = _of(results, workload.name, workload.ours)
    for peer in workload.peers:
        if (result := results.get((workload.name, peer))) is None:
            continue
        values = result.values
        mark = (" *" if result.generator_limited else "") + (" !" if result.failures else "")
        cells = [_number(values.get(name), METRICS[name].digits) for name in workload.columns]
        ratios = [
            _ratio(ours.get(name), values.get(name)) if peer != workload.ours else "" for name in workload.compared
        ]
        lines.append([peer + mark, *cells, *ratios])
    return lines


def summary(workloads: Sequence[Workload], results: Results) -> Table:
    """All rows at a glance: what is compared, for each peer."""
    peers = list(dict.fromkeys(peer for _, peer in results))
    lines = [["", *peers]]
    for workload in workloads:
        for name in workload.compared or workload.columns[1:2]:
            metric = METRICS[name]
            values = [_of(results, workload.name, peer).get(name) for peer in peers]
            lines.append([f"{workload.title}: {metric.heading}", *(_number(value, metric.digits) for value in values)])
    return lines


def failures(results: Results) -> Iterator[str]:
    for result in results.values():
        for what, count in result.failures.most_common():
            yield f"{result.workload.name}: {result.peer}: {count} x {what}"


def targets(results: Results) -> Table:
    lines = [["", "measured", "at least", "met", "aim", "met"]]
    for target in TARGETS:
        ours = _of(results, target.workload, target.ours).get(target.metric)
        theirs = _of(results, target.workload, target.peer).get(target.metric) if target.peer else None
        if ours is None or (target.peer and not theirs):
            continue
        measured = ours / theirs if theirs else ours
        lines.append([_sentence(target), _bound(target, measured), *_verdicts(target, measured)])
    return lines if len(lines) > 1 else []


def _sentence(target: Target) -> str:
    metric = METRICS[target.metric].heading
    return f"{target.workload}: {metric} of {target.ours}" + (f", ratio to {target.peer}" if target.peer else "")


def _bound(target: Target, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3g} x" if target.peer else _number(value, METRICS[target.metric].digits)


def _verdicts(target: Target, value: float) -> Iterator[str]:
    for bound in (target.at_least, target.aim):
        met = target.is_met(value, bound)
        yield _bound(target, bound)
        yield "" if met is None else "yes" if met else "NO"


NOTES: Final = (
    "ratio: the value of ulpool (of ul.AE, where no pool is measured) to this peer's",
    "CPU: all processes of the server (of the client, where it sends); generator: cores its busiest process used",
    "dcmtk serves one association at a time: on open associations it has one, not eight",
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


def as_data(where: str, results: Results) -> dict[str, object]:
    """For --json: medians, every round, failures; `null` is a value that never came."""
    rows = [
        {
            "workload": result.workload.name,
            "peer": result.peer,
            "values": _finite(result.values),
            "rounds": [_finite(measurement.values) for measurement in result.rounds],
            "failures": dict(result.failures),
            "generator_limited": result.generator_limited,
        }
        for result in results.values()
    ]
    lines = targets(results)[1:]
    return {"machine": where, "rows": rows, "targets": [dict(zip(TARGET_KEYS, line, strict=True)) for line in lines]}


TARGET_KEYS: Final = ("what", "measured", "at_least", "at_least_met", "aim", "aim_met")


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isinf(value) else value for name, value in values.items()}
