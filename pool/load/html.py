"""The report as one page that needs nothing else: tables here, plots by the script of the page from the data in it.

What its markup is made of, and what keeps it from harm, is `markup`.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pool.load import markup, showing
from pool.load.causes import in_words
from pool.load.figures import SUMMARY_METRICS, Figures
from pool.load.plan import KINDS
from pool.load.result import Result, verification_in_words
from pool.load.tally import ASSOCIATION, COUNTS, PHASES

MOST_POINTS: Final = 1000  # on a line over time: more would not be seen
SHORTEST_SHOWN: Final = 0.5  # seconds
MOST_LISTED: Final = 10  # files of a load, say: more would hide the rest

SERVICE: Final = "service time"
DUE: Final = "from when it was due"
SHOWN_OVER_TIME: Final = ("p50", "p90", "p99", "max")


def page(result: Result) -> str:
    """The whole page."""
    return markup.page(
        markup.PARTS / "page.html",
        markup.PARTS / "page.js",
        page_data(result),
        title=markup.text(f"ulpool load {result.peer}"),
        peer=markup.text(result.peer),
        line=markup.text(_line(result)),
        notices="\n".join(_notices(result)),
        tiles="\n".join(_tiles(result)),
        clock=DUE if result.figures.corrected else SERVICE,
        tables="\n".join(filter(None, _tables(result))),
        version=markup.text(result.versions.get("ulpool", "")),
    )


# What the plots are drawn from


def page_data(result: Result) -> dict[str, Any]:
    """Numbers only, beside names of our own."""
    moments = thinned(_whole(result.intervals))
    phases = [phase for phase in PHASES if phase in result.figures.service]
    return {
        "time": [moment["end"] for moment in moments],
        "throughput": {phase: [_rate(moment, phase) for moment in moments] for phase in _counted_phases(result)},
        "errors": _errors(moments),
        "latency": {phase: _latency(moments, phase) for phase in phases},
        "curves": {phase: _curves(result.figures, phase) for phase in phases},
        "phases": phases,
        "main": result.figures.main_phase,
    }


def _counted_phases(result: Result) -> list[str]:
    """Messages; associations where they come and go, and do not just last from beginning to end."""
    times = result.figures.times
    come_and_go = times(ASSOCIATION) > result.plan["associations"] or not any(map(times, KINDS))
    return [*filter(times, KINDS), *([ASSOCIATION] if come_and_go and times(ASSOCIATION) else [])]


def _rate(moment: Mapping[str, Any], phase: str) -> float:
    kinds = moment["phases"].get(phase)
    return kinds["service"]["count"] / (moment["end"] - moment["start"]) if kinds else 0.0


def _errors(moments: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    sorts = dict.fromkeys(sort for moment in moments for sort in moment["failures"])
    return {
        sort: [moment["failures"].get(sort, 0) / (moment["end"] - moment["start"]) for moment in moments]
        for sort in sorts
    }


def _latency(moments: Sequence[Mapping[str, Any]], phase: str) -> dict[str, list[float | None]]:
    def shown(moment: Mapping[str, Any]) -> Mapping[str, Any]:
        kinds = moment["phases"].get(phase, {})
        found: Mapping[str, Any] = kinds.get("corrected") or kinds.get("service") or {}
        return found

    return {metric: [shown(moment).get(metric) for moment in moments] for metric in SHOWN_OVER_TIME}


def _curves(figures: Figures, phase: str) -> dict[str, list[tuple[float, float]]]:
    """(1 - p, seconds): that is what the axis is of."""
    corrected = figures.corrected.get(phase)
    named = {DUE: corrected, SERVICE: figures.service.get(phase)} if corrected else {"latency": figures.service[phase]}
    return {
        name: [(1 - percentile / 100, value) for percentile, value in latencies.curve()]
        for name, latencies in named.items()
        if latencies
    }


def _whole(moments: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """A last moment that is short would show a rate that is none: it goes with the one before."""
    if len(moments) > 1 and moments[-1]["end"] - moments[-1]["start"] < SHORTEST_SHOWN:
        return [*moments[:-2], _one_of(moments[-2:])]
    return moments


def thinned(moments: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Long runs: neighbours become one, with their sums and the worst of their latencies."""
    together = -(-len(moments) // MOST_POINTS)
    if together <= 1:
        return moments
    groups = itertools.groupby(enumerate(moments), key=lambda numbered: numbered[0] // together)
    return [_one_of([moment for _, moment in group]) for _, group in groups]


def _one_of(moments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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


# What stands above the plots


def _line(result: Result) -> str:
    began = result.began.replace("T", " ").replace("+00:00", " UTC")
    return " · ".join([began, showing.time(result.seconds), *_kind_of_load(result.plan)])


def _kind_of_load(plan: Mapping[str, Any]) -> list[str]:
    loop = f"open loop of {plan['unit']}" if plan["stages"] else "closed loop"
    scenario = [f"scenario {plan['scenario']}"] if plan["scenario"] else []
    return [loop, f"{plan['associations']:,} associations", *scenario]


def _notices(result: Result) -> Iterable[str]:
    if result.stopped:
        yield markup.notice("warning", f"Stopped before its end: {result.stopped}")
    for warning in result.warnings:
        yield markup.notice("warning", warning)
    if result.verification:
        kind = "success" if result.verification["complete"] else "failure"
        yield markup.notice(kind, verification_in_words(result.verification))
    crossed = [row for row in result.thresholds if row["crossed"]]
    if crossed:
        yield markup.notice("failure", f"Crossed: {', '.join(row['text'] for row in crossed)}")
    elif result.thresholds:
        held = "The threshold held" if len(result.thresholds) == 1 else f"All {len(result.thresholds)} thresholds held"
        yield markup.notice("success", held)


def _tiles(result: Result) -> Iterable[str]:
    figures, phase = result.figures, result.figures.main_phase
    latencies = figures.latencies(phase)
    errors = figures.count("errors")
    yield markup.tile(
        phase, showing.per_second(figures.rate(figures.times(phase))), f"{showing.number(figures.times(phase))} in all"
    )
    if latencies:
        yield markup.tile(
            "median", showing.latency(latencies.metric("p50")), DUE if phase in figures.corrected else SERVICE
        )
        yield markup.tile(
            "99 % within", showing.latency(latencies.metric("p99")), f"all within {showing.latency(latencies.maximum)}"
        )
    yield markup.tile(
        "errors",
        showing.share(errors, figures.attempts),
        f"{showing.number(errors)} of {showing.number(figures.attempts)}",
        is_bad=errors > 0,
    )
    if payload := figures.count("payload_bytes"):
        yield markup.tile("payload", f"{showing.size(figures.rate(payload))}/s", f"{showing.size(payload)} in all")
    busiest = max(result.cpu_shares, default=0.0)
    yield markup.tile("generator", f"{busiest:.0%}", "of a core at most")


# What stands below


def _tables(result: Result) -> Iterable[str]:
    yield markup.sheet(
        "Phases", markup.table(("", "count", "per second", *SUMMARY_METRICS), _phase_rows(result.figures))
    )
    yield _thresholds(result)
    yield _failures("What failed, and why", result.figures)
    if result.plan["background"]:
        yield markup.sheet("Beside the work", markup.table(("", "count"), _counted(result.background)))
        yield _failures("What failed beside the work", result.background)
    yield markup.sheet("How it was run", markup.definitions(_circumstances(result)))


def _failures(title: str, figures: Figures) -> str:
    causes = sorted(figures.causes.items(), key=lambda item: -item[1])
    rows = [(in_words(cause), showing.number(count)) for cause, count in causes]
    return markup.sheet(title, markup.table(("", "count"), rows)) if rows else ""


def _counted(figures: Figures) -> Iterable[Sequence[str]]:
    return ((help, showing.number(figures.count(name))) for name, help in COUNTS.items() if figures.count(name))


def _phase_rows(figures: Figures) -> Iterable[Sequence[str]]:
    for phase in PHASES:
        for latencies, name in (
            (figures.corrected.get(phase), f"{phase}, {DUE}"),
            (figures.service.get(phase), f"{phase}, {SERVICE}" if phase in figures.corrected else phase),
        ):
            if latencies:
                rate = showing.per_second(figures.rate(latencies.count))
                times = (showing.latency(latencies.metric(metric)) for metric in SUMMARY_METRICS)
                yield (name, showing.number(latencies.count), rate, *times)


def _thresholds(result: Result) -> str:
    if not result.thresholds:
        return ""
    rows = [(row["text"], row["shown"], "crossed" if row["crossed"] else "held") for row in result.thresholds]
    return markup.sheet("Thresholds", markup.table(("a failure if", "measured", ""), rows))


def _circumstances(result: Result) -> Iterable[tuple[str, str]]:
    yield "Command", f"<code>{markup.text(shlex.join(result.command))}</code>"
    yield "Seed", markup.text(result.seed)
    for name, value in result.plan.items():
        if name not in ("peer", "seed") and _in_words(value):
            yield name.replace("_", " ").capitalize(), markup.text(_in_words(value))
    yield "Versions", markup.text(", ".join(f"{name} {version}" for name, version in result.versions.items()))
    yield "Machine", markup.text(", ".join(str(value) for value in result.host.values()))
    shares = ", ".join(f"{share:.0%}" for share in result.cpu_shares)
    yield "Generator CPU", markup.text(f"{result.cpu_seconds:.1f} s; of a core per process: {shares}")


def _in_words(value: Any) -> str:
    """A part of the plan; empty where it says nothing."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name.replace('_', ' ')} {words}" for name, part in value.items() if (words := _in_words(part))
        )
    if isinstance(value, list):
        more = [f"and {len(value) - MOST_LISTED:,} more"] if len(value) > MOST_LISTED else []
        return "; ".join([*filter(None, map(_in_words, value[:MOST_LISTED])), *more])
    return str(value) if value else ""
