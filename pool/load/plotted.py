"""Plotted: the series that plots of a run are drawn from, taken from its intervals and distributions.

Belongs here: points over time, thinned for long runs, and curves by percentile. Not here: which of them a page shows
(`html`, `comparison_page`), or how they are drawn (plot.js in the folder beside this).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pool.load.figures import SUMMARY_METRICS, Latencies
from pool.load.result import Result

MOST_POINTS: Final = 1000  # on a line over time: more would not be seen
SHORTEST_SHOWN: Final = 0.5  # seconds

Moment = Mapping[str, Any]  # as `result.moment` makes them
Points = list[tuple[float, float]]


def moments(result: Result) -> Sequence[Moment]:
    """What is shown of a run over time."""
    return thinned(_whole(result.intervals))


def ends(moments: Sequence[Moment]) -> list[float]:
    """Where on the axis they are, in seconds."""
    return [moment["end"] for moment in moments]


def rates(moments: Sequence[Moment], phase: str) -> list[float]:
    """How often per second a phase was passed through."""

    def count(moment: Moment) -> int:
        kinds = moment["phases"].get(phase)
        return int(kinds["service"]["count"]) if kinds else 0

    return [count(moment) / _seconds(moment) for moment in moments]


def errors(moments: Sequence[Moment]) -> dict[str, list[float]]:
    """Failures per second, by their sort."""
    sorts = dict.fromkeys(sort for moment in moments for sort in moment["failures"])
    return {sort: [moment["failures"].get(sort, 0) / _seconds(moment) for moment in moments] for sort in sorts}


def latency(moments: Sequence[Moment], phase: str, kind: str, metric: str) -> list[float | None]:
    """A metric of a phase; of the service time where the other kind was not measured."""

    def found(moment: Moment) -> Mapping[str, Any]:
        kinds = moment["phases"].get(phase, {})
        return kinds.get(kind) or kinds.get("service") or {}

    return [found(moment).get(metric) for moment in moments]


def curve(latencies: Latencies) -> Points:
    """(1 - p, seconds): that is what the axis is of."""
    return [(1 - percentile / 100, value) for percentile, value in latencies.curve()]


def _seconds(moment: Moment) -> float:
    return max(float(moment["end"] - moment["start"]), 1e-3)  # a run that ends at once has a moment of nothing


def _whole(moments: Sequence[Moment]) -> Sequence[Moment]:
    """A last moment that is short would show a rate that is none: it goes with the one before."""
    if len(moments) > 1 and _seconds(moments[-1]) < SHORTEST_SHOWN:
        return [*moments[:-2], _one_of(moments[-2:])]
    return moments


def thinned(moments: Sequence[Moment]) -> Sequence[Moment]:
    """Long runs: neighbours become one, with their sums and the worst of their latencies."""
    together = -(-len(moments) // MOST_POINTS)
    if together <= 1:
        return moments
    groups = itertools.groupby(enumerate(moments), key=lambda numbered: numbered[0] // together)
    return [_one_of([moment for _, moment in group]) for _, group in groups]


def _one_of(moments: Sequence[Moment]) -> dict[str, Any]:
    names = dict.fromkeys((phase, kind) for m in moments for phase in m["phases"] for kind in m["phases"][phase])
    phases: dict[str, dict[str, Any]] = {}
    for phase, kind in names:
        parts = [m["phases"][phase][kind] for m in moments if kind in m["phases"].get(phase, {})]
        worst = {
            metric: max((part[metric] for part in parts if part[metric] is not None), default=None)
            for metric in SUMMARY_METRICS
        }
        phases.setdefault(phase, {})[kind] = {**worst, "count": sum(part["count"] for part in parts)}
    failures: dict[str, int] = {}
    for moment in moments:
        for sort, count in moment["failures"].items():
            failures[sort] = failures.get(sort, 0) + count
    return {"start": moments[0]["start"], "end": moments[-1]["end"], "phases": phases, "failures": failures}
