"""The result as one page that needs nothing else, made of the parts of the load tester's report.

Belongs here: what the page shows, and in which order. Not here: what is compared with what (`results`), or what a page
of ours looks like and how a plot is drawn (`pool.load.markup` and its folder).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from benchmark import report
from benchmark.measures import METRICS, Workload
from benchmark.peers import PEERS
from benchmark.results import Comparison, Results, comparisons, peers_of, values, verdicts
from pool.load import markup

PARTS: Final = Path(__file__).parent / "page_parts"

# Names of the style sheet's colours.
COLOURS: Final = {
    "pynetdicom": "--c5",
    "dcmtk": "--c1",
    "dcmtk-fork": "--c4",
    "orthanc": "--c3",
    "ul.AE": "--c2",
    "ulpool": "--c0",
    "ulpool-1": "--q0",
}

Points = list[tuple[float, float]]


def page(where: str, workloads: Sequence[Workload], results: Results) -> str:
    """The whole page."""
    compared = list(comparisons(workloads, results))
    data = page_data(workloads, results)
    return markup.page(
        PARTS / "page.html",
        PARTS / "page.js",
        data,
        markup.Head(
            "make bench",
            "ulpool beside other servers",
            f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC · {where}",
            _notices(results),
        ),
        notes=report.NOTES,
        tiles="\n".join(_tiles(compared, results)),
        advantages=_advantages(compared),
        targets=_targets(results),
        plots="\n".join(_figures(workloads, data)),
        tables="\n".join([*_tables(workloads, results), *_failures(results)]),
    )


# What the plots are drawn from


def page_data(workloads: Sequence[Workload], results: Results) -> dict[str, Any]:
    """Numbers by row and peer."""
    return {
        "colours": COLOURS,
        "associations": dict(_by_associations(workloads, results)),
        "latencies": {row.name: curves for row in workloads if (curves := _curves(row, results))},
    }


def _curves(row: Workload, results: Results) -> dict[str, Points]:
    """(1 - p, seconds), for each peer."""
    measured = {peer: results[row.name, peer].latencies for peer in peers_of(results) if (row.name, peer) in results}
    return {
        peer: [(1 - percentile / 100, value) for percentile, value in latencies.curve()]
        for peer, latencies in measured.items()
        if latencies
    }


def _by_associations(workloads: Sequence[Workload], results: Results) -> Iterator[tuple[str, dict[str, Points]]]:
    """(associations, per second), for each peer, where rows differ in nothing else."""
    for name in dict.fromkeys(row.family for row in workloads if row.family):
        family = sorted((row for row in workloads if row.family == name), key=lambda row: row.associations)
        if len(family) > 1:
            yield name, {peer: points for peer in peers_of(results) if (points := _rates(family, peer, results))}


def _rates(family: Sequence[Workload], peer: str, results: Results) -> Points:
    rates = ((row.associations, values(results, row.name, peer).get("rate")) for row in family)
    return [(float(associations), rate) for associations, rate in rates if rate is not None]


# What stands above the plots


def _notices(results: Results) -> Iterator[str]:
    failed = dict.fromkeys(result.peer for result in results.values() if result.failures)
    if failed:
        yield markup.notice("failure", f"something failed at {', '.join(failed)}: it is listed at the end")
    limited = dict.fromkeys(result.workload.name for result in results.values() if result.generator_limited)
    if limited:
        yield markup.notice("warning", f"the generator was the limit at one server at least of {', '.join(limited)}")


def _tiles(compared: Sequence[Comparison], results: Results) -> Iterator[str]:
    held = [verdict.is_met for verdict in verdicts(results) if verdict.is_met is not None]
    if held:
        missed = held.count(False)
        yield markup.tile("targets met", f"{held.count(True)} of {len(held)}", f"{missed} missed", is_bad=missed > 0)
    behind = sum(comparison.advantage < 1 for comparison in compared)
    if compared:
        yield markup.tile("ahead", str(len(compared) - behind), "of a peer, at a row")
        yield markup.tile("behind", str(behind), "of a peer, at a row", is_bad=behind > 0)


def _advantages(compared: Sequence[Comparison]) -> str:
    """A line for each row and metric, a column for each peer."""
    peers = [peer.name for peer in PEERS if any(comparison.peer == peer.name for comparison in compared)]
    by_place = {(one.workload.title, one.name, one.peer): one for one in compared}
    rows = []
    for title, name in dict.fromkeys((one.workload.title, one.name) for one in compared):
        cells = (by_place.get((title, name, peer)) for peer in peers)
        rows.append((f"{title}: {METRICS[name].heading}", *(_advantage(cell) for cell in cells)))
    return markup.sheet("How many times better than", markup.table(("", *peers), rows)) if rows else ""


def _advantage(comparison: Comparison | None) -> markup.Cell:
    if comparison is None:
        return ""
    advantage = comparison.advantage
    never = "never" if math.isinf(comparison.ours) else "∞" if math.isinf(advantage) else ""
    shown = never or report.factor(advantage)
    return shown, "good" if advantage > 1 else "bad" if advantage < 1 else ""


def _targets(results: Results) -> str:
    lines = report.targets(results)
    if not lines:
        return ""
    rows = [[_verdict(cell) for cell in line] for line in lines[1:]]
    return markup.sheet("What must be reached", markup.table(lines[0], rows))


def _verdict(cell: str) -> markup.Cell:
    return (cell, {report.MET: "good", report.MISSED: "bad"}.get(cell, ""))


# The plots, and what stands below


def _figures(workloads: Sequence[Workload], data: dict[str, Any]) -> Iterator[str]:
    titles = {row.name: row.title for row in workloads}
    for kind, what in (("associations", "per second, by the number of associations"), ("latencies", "by percentile")):
        for name in data[kind]:
            yield (
                f'<figure data-plot="{kind} {markup.text(name)}"><figcaption>'
                f"<h2>{markup.text(titles.get(name, name))}</h2><p>{what}</p></figcaption></figure>"
            )


def _tables(workloads: Sequence[Workload], results: Results) -> Iterator[str]:
    for row in workloads:
        lines = report.table(row, results)
        if len(lines) > 1:
            yield markup.sheet(row.title, markup.table(lines[0], lines[1:]))


def _failures(results: Results) -> Iterator[str]:
    rows = [
        (result.workload.name, result.peer, f"{count:,}", what)
        for result in results.values()
        for what, count in result.failures.most_common()
    ]
    if rows:
        yield markup.sheet("What failed", markup.table(("row", "peer", "times", "what"), rows))
