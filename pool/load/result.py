"""The result of a run as data: what was asked for, where, and what came of it; to JSON and back.

The file is a contract: `schema` changes when a reader of the old form would misunderstand the new one. Histograms are
in it whole, so that percentiles can be drawn, compared and added up again. Durations are in seconds.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pool.config import show_address
from pool.cores import usable_cores
from pool.load.causes import is_warning
from pool.load.figures import SUMMARY_METRICS, Figures, Latencies
from pool.load.plan import Plan
from pool.load.tally import PHASES, Interval, Run
from pool.load.thresholds import Verdict
from pool.load.verify import Verification

SCHEMA: Final = "ulpool-load/1"
BUSY: Final = 0.9  # of a core: beyond it a generator process measures itself
MANY_LATE: Final = 0.01  # of the starts: beyond it their lateness is worth a word
_LARGEST: Final = 1e100  # number in a file

_LIBRARIES: Final = ("ulpool", "pydicom", "pyzmq", "hdrhistogram")


@dataclass
class Result:
    """One run."""

    command: Sequence[str]
    peer: str
    seed: int
    began: str  # ISO 8601, with its offset
    plan: Mapping[str, Any]
    figures: Figures
    background: Figures  # of the connections beside the work
    cpu_seconds: float
    cpu_shares: Sequence[float]  # of a core, per generator process
    stopped: str = ""  # why it ended before its time
    failures: Sequence[str] = ()  # generators that died
    intervals: Sequence[Mapping[str, Any]] = ()  # as `moment` makes them
    thresholds: Sequence[Mapping[str, Any]] = ()  # text, value, shown, crossed
    verification: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=lambda: _versions())
    host: Mapping[str, Any] = field(default_factory=lambda: _host())

    @property
    def seconds(self) -> float:
        return self.figures.seconds

    @property
    def warnings(self) -> list[str]:
        """What makes the numbers worth less than they look."""
        busiest = max(self.cpu_shares, default=0.0)
        found = [*self.failures]
        if busiest > BUSY:
            found.append(
                f"the generator was the limit: one of its processes used {busiest:.0%} of a core; "
                "latencies contain its own delays; use more --processes, or another machine"
            )
        due, late = self.figures.count("starts_due"), self.figures.count("starts_late")
        if late > MANY_LATE * due:
            found.append(
                f"{late:,} of {due:,} starts came late; latencies that count from when they were due contain it"
            )
        if dropped := self.figures.count("starts_dropped"):
            found.append(
                f"{dropped:,} of {due:,} starts never came: all associations were busy; the rate was not reached"
            )
        return found

    @property
    def crossed(self) -> bool:
        return any(row["crossed"] for row in self.thresholds)

    def to_json(self) -> str:
        plain = {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in _PLAIN},
            "warnings": self.warnings,
            "figures": figures_to_plain(self.figures),
            "background": figures_to_plain(self.background),
        }
        return json.dumps(plain, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Result:
        """The inverse. Raises ValueError that says what is wrong."""
        try:
            plain = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from None
        if not isinstance(plain, dict) or "schema" not in plain:
            raise ValueError("not the result of ulpool load: it has no schema")
        if plain["schema"] != SCHEMA:
            raise ValueError(f"its schema is {plain['schema']!r}, and this is read by {SCHEMA!r} only")
        try:
            wrong = [name for name, is_such in _PLAIN.items() if not is_such(plain[name])]
            if wrong:
                raise ValueError(f"{wrong[0]!r} is not what ulpool load writes there")
            return cls(
                figures=figures_from_plain(plain["figures"]),
                background=figures_from_plain(plain["background"]),
                **{name: plain[name] for name in _PLAIN},
            )
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None
        except (TypeError, AttributeError):
            raise ValueError("its parts are not of the kinds that they have to be") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)


def _is_number(value: Any) -> bool:
    """One that can be calculated with: JSON has 1e999, which is read as infinite, and integers of any length."""
    return _is(int, float)(value) and abs(value) < _LARGEST


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_list(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(of, value))


def _is_map(of: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(of, value.values()))


def _has(parts: Mapping[str, Callable[[Any], bool]]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(name in value and is_such(value[name]) for name, is_such in parts.items())
    )


_is_summary: Final = _has({"count": _is_number, **dict.fromkeys(SUMMARY_METRICS, _is_number_or_none)})


def _is_phase(value: Any) -> bool:
    return _is_map(_is_summary)(value) and "service" in value


_MOMENT: Final[Mapping[str, Callable[[Any], bool]]] = {
    "start": _is_number,
    "end": _is_number,
    "active": _is_number,
    "cpu": _is_list(_is_number),
    "phases": _is_map(_is_phase),
    "counts": _is_map(_is_number),
    "failures": _is_map(_is_number),
}


# What is shown of a plan in words of its own.
_PLAN: Final[Mapping[str, Callable[[Any], bool]]] = {
    "associations": _is_number,
    "background": _is(dict, type(None)),
    "scenario": _is(str),
    "stages": _is_list(_is_map(_is_number)),
    "unit": _is(str),
}


# What is in the file as it is in a Result, and whether it is such a thing: the file may come from anywhere.
_PLAIN: Final[Mapping[str, Callable[[Any], bool]]] = {
    "command": _is_list(_is(str)),
    "peer": _is(str),
    "seed": _is(int),
    "began": _is(str),
    "plan": _has(_PLAN),
    "cpu_seconds": _is_number,
    "cpu_shares": _is_list(_is_number),
    "stopped": _is(str),
    "failures": _is_list(_is(str)),
    "intervals": _is_list(_has(_MOMENT)),
    "thresholds": _is_list(_is(dict)),
    "verification": _is(dict, type(None)),
    "versions": _is_map(_is(str)),
    "host": _is(dict),
}


def verification_to_plain(by: str, found: Verification | None, error: str = "") -> dict[str, Any]:
    """Whether what was acknowledged is there; `found` is None where that could not be told, and why is `error`."""
    return {
        "by": by,
        "complete": bool(found and found.is_complete),
        "acknowledged": found.acknowledged if found else None,
        "found": found.found if found else None,
        "missing": list(found.missing) if found else [],
        "differing": list(found.differing) if found else [],
        "error": error,
    }


def verification_in_words(plain: Mapping[str, Any]) -> str:
    """One line."""
    if plain["error"]:
        return f"not verified: {plain['error']}"
    if plain["complete"]:
        return f"verified: all {plain['acknowledged']:,} acknowledged instances are there"
    example = next(iter([*plain["missing"], *plain["differing"]]), "")
    return (
        f"acknowledged {plain['acknowledged']:,}, missing {len(plain['missing']):,}, "
        f"with another data set {len(plain['differing']):,}; such as {example}"
    )


def plan_to_plain(plan: Plan) -> dict[str, Any]:
    """A plan for whoever looks at a result; what is nested has names too."""
    named = {row.name: _named(getattr(plan, row.name)) for row in fields(plan)}
    return {**named, "peer": str(plan.peer), "address": show_address(plan.address.address), "tcp_nodelay": True}


def _named(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {name: _named(part) for name, part in value.items()}
    return [_named(part) for part in value] if isinstance(value, tuple) else value


def result_of(run: Run, *, intervals: Iterable[Mapping[str, Any]], verdicts: Iterable[Verdict], **asked: Any) -> Result:
    """Of a run that ended; `asked` are the fields that were known before it."""
    return Result(
        figures=Figures.of(run.tally, run.seconds),
        background=Figures.of(run.background, run.seconds),
        cpu_seconds=run.cpu_seconds,
        cpu_shares=list(run.cpu_shares),
        stopped=run.stopped,
        failures=list(run.failures),
        intervals=list(intervals),
        thresholds=[
            {
                "text": verdict.threshold.text,
                "value": verdict.value,
                "shown": verdict.threshold.show(verdict.value),
                "crossed": verdict.is_failure,
            }
            for verdict in verdicts
        ],
        **asked,
    )


def moment(interval: Interval) -> dict[str, Any]:
    """One point of the time series."""
    figures = Figures.of(interval.tally, interval.end - interval.start)
    return {
        "start": interval.start,
        "end": interval.end,
        "active": interval.active,
        "cpu": list(interval.cpu),
        "phases": _summaries(figures),
        "counts": dict(figures.counts),
        "failures": _by_sort(figures),
    }


def _by_sort(figures: Figures) -> dict[str, int]:
    sorts = dict.fromkeys(cause[0] for cause in figures.causes if not is_warning(cause))
    return {sort: figures.because(sort) for sort in sorts}


def _summaries(figures: Figures) -> dict[str, Any]:
    return {
        phase: {"service": service.summary()}
        | ({"corrected": figures.corrected[phase].summary()} if phase in figures.corrected else {})
        for phase, service in figures.service.items()
    }


def figures_to_plain(figures: Figures) -> dict[str, Any]:
    phases = _summaries(figures)
    for phase, kinds in phases.items():
        for kind, summary in kinds.items():
            summary["histogram"] = getattr(figures, kind)[phase].encoded()
    return {
        "seconds": figures.seconds,
        "phases": phases,
        "counts": dict(figures.counts),
        "causes": [{"cause": list(cause), "count": count} for cause, count in figures.causes.items()],
    }


_is_cause: Final = _has(
    {"cause": lambda value: bool(value) and _is_list(_is(str, int, type(None)))(value), "count": _is_number}
)

_FIGURES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "seconds": _is_number,
    "phases": _is_map(_is(dict)),
    "counts": _is_map(_is_number),
    "causes": _is_list(_is_cause),
}


def figures_from_plain(plain: Mapping[str, Any]) -> Figures:
    if wrong := [name for name, is_such in _FIGURES.items() if not is_such(plain[name])]:
        raise TypeError(f"{wrong[0]} of another kind")
    phases = {phase: kinds for phase, kinds in plain["phases"].items() if phase in PHASES}  # no other is ever shown
    corrected = [phase for phase, kinds in phases.items() if "corrected" in kinds]
    return Figures(
        float(plain["seconds"]),
        {phase: Latencies.decoded(kinds["service"]["histogram"]) for phase, kinds in phases.items()},
        {phase: Latencies.decoded(phases[phase]["corrected"]["histogram"]) for phase in corrected},
        plain["counts"],
        {tuple(row["cause"]): row["count"] for row in plain["causes"]},
    )


def _versions() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()}


def _host() -> dict[str, Any]:
    """What kind of machine drove the load; not its name."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
