"""The report as one page that needs nothing else: tables here, plots by the script of the page from the data in it.

What its markup is made of, and what keeps it from harm, is `markup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pool import showing
from pool.load import markup, plotted
from pool.load.causes import in_words
from pool.load.circumstances import COMMAND, circumstance_in_words, circumstances
from pool.load.figures import DUE, SERVICE, SUMMARY_METRICS, Figures
from pool.load.plan import KINDS
from pool.load.result import Result, verification_in_words
from pool.load.tally import ASSOCIATION, COUNTS, PHASES

SHOWN_OVER_TIME: Final = ("p50", "p90", "p99", "max")


def page(result: Result) -> str:
    """The whole page."""
    return markup.page(
        markup.PARTS / "report.html",
        markup.PARTS / "report.js",
        page_data(result),
        markup.Head("ulpool load", result.peer, line(result), _notices(result)),
        tiles="\n".join(_tiles(result)),
        clock=DUE if result.figures.corrected else SERVICE,
        tables="\n".join(filter(None, _tables(result))),
    )


# What the plots are drawn from


def page_data(result: Result) -> dict[str, Any]:
    """Numbers only, beside names of our own."""
    moments = plotted.moments(result)
    phases = [phase for phase in PHASES if phase in result.figures.service]
    return {
        "time": plotted.ends(moments),
        "throughput": {phase: plotted.rates(moments, phase) for phase in _counted_phases(result)},
        "errors": plotted.errors(moments),
        "latency": {
            phase: {metric: plotted.latency(moments, phase, "corrected", metric) for metric in SHOWN_OVER_TIME}
            for phase in phases
        },
        "curves": {phase: _curves(result.figures, phase) for phase in phases},
        "phases": phases,
        "main": result.figures.main_phase,
    }


def _counted_phases(result: Result) -> list[str]:
    """Messages; associations where they come and go, and do not just last from beginning to end."""
    times = result.figures.times
    come_and_go = times(ASSOCIATION) > result.plan["associations"] or not any(map(times, KINDS))
    return [*filter(times, KINDS), *([ASSOCIATION] if come_and_go and times(ASSOCIATION) else [])]


def _curves(figures: Figures, phase: str) -> dict[str, plotted.Points]:
    corrected = figures.corrected.get(phase)
    named = {DUE: corrected, SERVICE: figures.service.get(phase)} if corrected else {"latency": figures.service[phase]}
    return {name: plotted.curve(latencies) for name, latencies in named.items() if latencies}


# What stands above the plots


def line(result: Result) -> str:
    """When it was, how long, and what was asked for, in a few words."""
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
    for name, value in circumstances(result).items():
        if words := markup.text(circumstance_in_words(value)):
            yield name, f"<code>{words}</code>" if name == COMMAND else words
    shares = ", ".join(f"{share:.0%}" for share in result.cpu_shares)
    yield "Generator CPU", markup.text(f"{result.cpu_seconds:.1f} s; of a core per process: {shares}")
