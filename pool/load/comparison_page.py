"""Several runs beside each other as one page, made of the parts of the report's: what is compared is `comparison`'s."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pool import showing
from pool.load import comparison, markup, plotted
from pool.load.circumstances import ALIKE, differences
from pool.load.comparison import Row, Run
from pool.load.figures import DUE
from pool.load.html import line

SHOWN_OVER_TIME: Final = "p99"
IN_SHORT: Final = (comparison.PER_SECOND, "p50", "p99")  # metrics of what the first run is about


def page(runs: Sequence[Run]) -> str:
    """The whole page."""
    names = [run.name for run in runs]
    return markup.page(
        markup.PARTS / "compare.html",
        markup.PARTS / "compare.js",
        page_data(runs),
        markup.Head(
            "ulpool load compare",
            ", ".join(names),
            f"Ratios are to the first; what is better or worse by {comparison.NOTABLE:.0%} or more has a colour.",
            _notices(runs),
        ),
        tiles="\n".join(_tiles(runs)),
        tables="\n".join(_tables(runs)),
    )


def page_data(runs: Sequence[Run]) -> dict[str, Any]:
    """What the plots are drawn from; of each run the same."""
    phases = comparison.phases(runs)
    return {
        "runs": [_series(run, phases, runs) for run in runs],
        "phases": phases,
        "main": runs[0].result.figures.main_phase,
    }


def _series(run: Run, phases: Sequence[str], runs: Sequence[Run]) -> dict[str, Any]:
    moments = plotted.moments(run.result)
    clocks = {phase: comparison.clock(runs, phase) for phase in phases}
    measured = {phase: comparison.latencies(run, phase, clocks[phase]) for phase in phases}
    kinds = {phase: "corrected" if clocks[phase] == DUE else "service" for phase in phases}
    return {
        "name": run.name,
        "time": plotted.ends(moments),
        "throughput": {phase: plotted.rates(moments, phase) for phase, found in measured.items() if found},
        "latency": {phase: plotted.latency(moments, phase, kinds[phase], SHOWN_OVER_TIME) for phase in phases},
        "curves": {phase: plotted.curve(found) for phase, found in measured.items() if found},
        "errors": [sum(rates) for rates in zip(*plotted.errors(moments).values(), strict=True)] or [0.0] * len(moments),
    }


def _notices(runs: Sequence[Run]) -> Iterator[str]:
    for name, result in runs:
        if result.stopped:
            yield markup.notice("warning", f"{name}: stopped before its end: {result.stopped}")
        for warning in result.warnings:
            yield markup.notice("warning", f"{name}: {warning}")


def _tiles(runs: Sequence[Run]) -> Iterator[str]:
    main = runs[0].result.figures.main_phase
    for row in comparison.rows(runs):
        if row.subject == main and row.metric in IN_SHORT:
            ratios = ", ".join(map(comparison.factor, row.ratios[1:]))
            values = " → ".join(map(row.show_one, row.values))
            is_worse = any(row.is_better(value) is False for value in row.values)
            yield markup.tile(row.heading, ratios, values, is_bad=is_worse)


def _tables(runs: Sequence[Run]) -> Iterator[str]:
    names = [run.name for run in runs]
    heads = ["", names[0], *(head for name in names[1:] for head in (name, ""))]
    figures = ((row.heading, *_cells(row)) for row in comparison.rows(runs))
    yield markup.sheet("Figures", markup.table(heads, figures))
    yield markup.sheet("The runs", markup.definitions((run.name, markup.text(line(run.result))) for run in runs))
    unlike = differences([run.result for run in runs])
    rows = ((row.name, "".join(map(_of_run, names, row.words))) for row in unlike)
    yield markup.sheet("What differs", markup.definitions(rows) if unlike else f"<p>{markup.text(ALIKE)}</p>")


def _cells(row: Row) -> Iterator[markup.Cell]:
    """What the first run has; of each of the others that, and its ratio."""
    colours = {True: "good", False: "bad", None: ""}
    for place, (value, ratio) in enumerate(zip(row.values, row.ratios, strict=True)):
        colour = colours[row.is_better(value)]
        yield row.show_one(value), colour
        if place:
            yield comparison.factor(ratio), colour


def _of_run(name: str, words: str) -> str:
    return f"<p>{markup.text(words or showing.NOTHING)} <small>{markup.text(name)}</small></p>"
