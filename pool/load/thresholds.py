"""Thresholds: what a run must not cross, in words such as `store.p99>250ms` or `errors>0.1%`, and the verdicts.

    threshold = measure ("<" | "<=" | ">" | ">=") number [unit]
    measure   = phase "." ["service" "."] metric | count
    metric    = "p" number | "min" | "mean" | "max" | "rate" | "count"

A threshold says what is a failure. Latencies need a unit (us, ms, s); a count may be a percentage of its base. Without
`service` a latency counts from the moment the load was due to begin.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from pool.load.figures import Figures
from pool.load.plan import KINDS, Plan
from pool.load.reading import Reader
from pool.load.tally import PHASES, TLS


class Count(NamedTuple):
    """A number of things that went wrong, and what 100 % of it is."""

    help: str
    of: Callable[[Figures], int]
    base: Callable[[Figures], int]
    of_open_loop: bool = False


def _attempts(figures: Figures) -> int:
    return figures.attempts


def _associations(figures: Figures) -> int:
    return figures.count("associations_started")


def _starts_due(figures: Figures) -> int:
    return figures.count("starts_due")


def _because(*sorts: str) -> Callable[[Figures], int]:
    return lambda figures: figures.because(*sorts)


def _counted(name: str) -> Callable[[Figures], int]:
    return lambda figures: figures.count(name)


COUNTS: Final[Mapping[str, Count]] = {
    "errors": Count(
        "whatever failed: messages, and associations before one of theirs could", _counted("errors"), _attempts
    ),
    "rejected": Count("associations that the peer rejected", _because("reject"), _associations),
    "aborted": Count("associations that the peer aborted", _because("abort"), _associations),
    "lost": Count(
        "connections that could not be made, or ended without a word",
        _because("connect", "tls", "reset", "closed"),
        _associations,
    ),
    "timeouts": Count("answers that did not come in time", _because("timeout"), _attempts),
    "late": Count("starts that came late (open loop)", _counted("starts_late"), _starts_due, True),
    "dropped": Count(
        "starts that never came, for want of a free association (open loop)",
        _counted("starts_dropped"),
        _starts_due,
        True,
    ),
}

_SECONDS_OF: Final[Mapping[str, float]] = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_TIME_ADVICE: Final = "give a unit: us, ms or s"

_METRICS_OF_TIME: Final = ("min", "mean", "max")
METRICS: Final = (*_METRICS_OF_TIME, "rate", "count")  # beside percentiles
_MEASURE_ADVICE: Final = f"p50 to p99.999, {', '.join(METRICS)}"
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True)
class Threshold:
    """One threshold. Crossed is a failure."""

    text: str  # as it was written
    measure: str  # a phase or a count
    metric: str  # of a phase; empty for a count
    service: bool
    operator: str
    limit: float  # seconds, per second, a number, or a share of 1
    is_share: bool = False

    @property
    def phase(self) -> str | None:
        return self.measure if self.metric else None

    def value(self, figures: Figures) -> float | None:
        """What is held against the limit; None where nothing was measured."""
        if not self.metric:
            return self._count(figures)
        if self.metric == "count":
            return figures.times(self.measure)
        if self.metric == "rate":
            return figures.rate(figures.times(self.measure))
        latencies = figures.latencies(self.measure, service=self.service)
        return latencies.metric(self.metric) if latencies else None

    def _count(self, figures: Figures) -> float:
        row = COUNTS[self.measure]
        count = row.of(figures)
        return count / max(row.base(figures), 1) if self.is_share else count

    def judge(self, figures: Figures) -> Verdict:
        value = self.value(figures)
        crossed = value is not None and _OPERATORS[self.operator](value, self.limit)
        return Verdict(self, value, crossed)

    def show(self, value: float | None) -> str:
        """A value of its measure for people."""
        if value is None:
            return "not measured"
        if self.is_share:
            return f"{value:.3%}"
        if self.metric in ("", "count"):
            return f"{value:,.0f}"
        if self.metric == "rate":
            return f"{value:,.1f}/s"
        return f"{value * 1e3:,.3f} ms"


class Verdict(NamedTuple):
    """What a threshold found."""

    threshold: Threshold
    value: float | None
    crossed: bool

    @property
    def is_failure(self) -> bool:
        """At the end of a run: what was never measured did not hold either."""
        return self.crossed or self.value is None

    def __str__(self) -> str:
        return f"{self.threshold.text}: {self.threshold.show(self.value)}"


def judge(thresholds: Iterable[Threshold], figures: Figures) -> list[Verdict]:
    return [threshold.judge(figures) for threshold in thresholds]


def threshold(text: str) -> Threshold:
    """Read one. Raises Misread."""
    reader = Reader(text)
    measure = reader.one_of((*PHASES, *COUNTS), "phase or count")
    service, metric = _metric(reader, measure) if measure in PHASES else (False, "")
    name = reader.take(*_OPERATORS)
    if not name:
        reader.refuse(f"give {', '.join(_OPERATORS)} and a limit")
    start = reader.column
    limit = reader.number("give a number")
    factor, is_share = _unit(reader, metric)
    if is_share and limit > 100:
        reader.refuse("a share is at most 100 %", start)
    reader.end("nothing may follow the limit")
    return Threshold(text, measure, metric, service, name, limit * factor, is_share)


def _metric(reader: Reader, phase: str) -> tuple[bool, str]:
    reader.expect(".", f"give what of {phase}, such as {phase}.p99: {_MEASURE_ADVICE}")
    start = reader.column
    service = reader.take("service") == "service"
    if service:
        reader.expect(".", f"give what of it, such as {phase}.service.p99: {_MEASURE_ADVICE}")
        start = reader.column
    if reader.take("p"):
        percentile = reader.number("give a percentile, such as p99 or p99.9")
        if not 0 < percentile < 100:
            reader.refuse("a percentile is above 0 and below 100; for the largest say max", start)
        return service, f"p{percentile:g}"
    return service, reader.one_of(_METRICS_OF_TIME if service else METRICS, "metric")


def _unit(reader: Reader, metric: str) -> tuple[float, bool]:
    """(factor, whether it is a percentage)"""
    if not metric:
        return (0.01, True) if reader.take("%") else (1.0, False)
    if metric == "rate":
        reader.take("/s")
        return 1.0, False
    if metric == "count":
        return 1.0, False
    return reader.unit(_SECONDS_OF, _TIME_ADVICE), False


def unmeasurable(thresholds: Iterable[Threshold], plan: Plan) -> Threshold | None:
    """The first of the thresholds that says nothing of this load; None where all can be measured."""
    absent = {kind for kind in KINDS if kind not in plan.mix} | ({TLS} if plan.tls is None else set())
    if not plan.is_open:
        absent |= {name for name, count in COUNTS.items() if count.of_open_loop}
    return next((row for row in thresholds if row.measure in absent), None)
