"""Comparison: several runs beside each other, figure by figure, each with its ratio to the first run; as data.

Like is compared with like: latencies count from when messages were due where all of the runs know that, otherwise all
of them are service times. In JSON they are in seconds; rates are per second, errors a share of what was tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pool import showing
from pool.load.circumstances import differences
from pool.load.figures import DUE, SERVICE, Latencies
from pool.load.result import Result
from pool.load.tally import PHASES

SCHEMA: Final = "ulpool-load-compare/1"
METRICS: Final = ("p50", "p99", "p99.9", "max")
PER_SECOND: Final = "per second"
NOTABLE: Final = 0.05  # of a figure: what differs by less may be chance


class Run(NamedTuple):
    """One of those that are compared, and what it is called."""

    name: str
    result: Result


class Row(NamedTuple):
    """One figure of all runs; None where a run has none."""

    subject: str  # a phase, or what else is counted
    metric: str
    values: tuple[float | None, ...]
    show: Callable[[float], str]
    clock: str = ""  # what latencies count from
    more_is_better: bool | None = False  # None: neither

    @property
    def heading(self) -> str:
        """It, in a table."""
        words = " ".join(filter(None, (self.subject, self.metric)))
        return f"{words}, {SERVICE}" if self.clock == SERVICE else words

    @property
    def ratios(self) -> tuple[float | None, ...]:
        """To the first run; None where there is no such thing."""
        first = self.values[0]
        return tuple(value / first if first and value is not None else None for value in self.values)

    @property
    def shown(self) -> list[str]:
        """A cell for each run; behind the first with its ratio."""
        first, *others = map(self.show_one, self.values)
        return [first, *(f"{shown}  {factor(ratio)}" for shown, ratio in zip(others, self.ratios[1:], strict=True))]

    def show_one(self, value: float | None) -> str:
        """The figure of a run."""
        return showing.NOTHING if value is None else self.show(value)

    def is_better(self, value: float | None) -> bool | None:
        """Than the first run; None where it is about the same, or nobody can say. To be more than 0 takes no ratio."""
        first = self.values[0]
        if first is None or value is None or self.more_is_better is None:
            return None
        if value == first or abs(value - first) < NOTABLE * first:
            return None
        return (value > first) == self.more_is_better


def factor(ratio: float | None) -> str:
    """A ratio, where there is one."""
    return "" if ratio is None else f"{ratio:.2f} x"


def runs(paths: Sequence[Path], results: Sequence[Result]) -> list[Run]:
    """By the names of their files; where these are the same, by their whole paths."""
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = list(map(str, paths))
    return [Run(name, result) for name, result in zip(names, results, strict=True)]


def phases(runs: Sequence[Run]) -> list[str]:
    """Those that any of them has."""
    return [phase for phase in PHASES if any(run.result.figures.times(phase) for run in runs)]


def clock(runs: Sequence[Run], phase: str) -> str:
    """What the latencies of a phase count from, in all of the runs; empty where there is only one way."""
    of_runs = [run.result.figures for run in runs if run.result.figures.times(phase)]
    know = [phase in figures.corrected for figures in of_runs]
    return DUE if all(know) else SERVICE if any(know) else ""


def latencies(run: Run, phase: str, clock: str) -> Latencies | None:
    """Of a phase, by a clock."""
    return run.result.figures.latencies(phase, service=clock != DUE)


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """Everything that is compared."""
    for phase in phases(runs):
        yield _rate(runs, phase)
        yield from (_latency(runs, phase, metric) for metric in METRICS)
    all_figures = [run.result.figures for run in runs]
    payload = tuple(figures.rate(figures.count("payload_bytes")) or None for figures in all_figures)
    if any(payload):
        yield Row("payload", PER_SECOND, payload, showing.size, more_is_better=True)
    errors = tuple(figures.count("errors") / max(figures.attempts, 1) for figures in all_figures)
    yield Row("errors", "", errors, lambda share: showing.share(share, 1))
    busiest = tuple(max(run.result.cpu_shares, default=0.0) for run in runs)
    yield Row("busiest generator", "", busiest, lambda share: f"{share:.0%}", more_is_better=None)


def _rate(runs: Sequence[Run], phase: str) -> Row:
    rates = (run.result.figures.rate(run.result.figures.times(phase)) or None for run in runs)
    return Row(phase, PER_SECOND, tuple(rates), showing.per_second, more_is_better=True)


def _latency(runs: Sequence[Run], phase: str, metric: str) -> Row:
    by = clock(runs, phase)
    measured = (latencies(run, phase, by) for run in runs)
    values = tuple(found.metric(metric) if found else None for found in measured)
    return Row(phase, metric, values, showing.latency, by)


def to_json(runs: Sequence[Run]) -> str:
    """All of it, for programs."""
    plain = {
        "schema": SCHEMA,
        "runs": [_run(run) for run in runs],
        "figures": [_figure(row) for row in rows(runs)],
        "differences": [row._asdict() for row in differences([run.result for run in runs])],
    }
    return json.dumps(plain, indent=1, allow_nan=False)


def _run(run: Run) -> dict[str, Any]:
    result = run.result
    told = {name: getattr(result, name) for name in ("peer", "began", "seconds", "command", "seed", "versions")}
    return {"name": run.name, **told, "stopped": result.stopped, "warnings": result.warnings}


def _figure(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("subject", "metric", "clock", "values", "ratios")}
