"""What was measured, over all rounds: medians, comparisons with each peer, and targets held against them.

A value is the median over the rounds. Comparisons are of ulpool; of ul.AE, where no pool is measured. Nothing here
measures, and nothing here knows how it will be shown (`report`, `page`).
"""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmark.measures import METRICS, Measurement, Metric, Workload
from benchmark.peers import PEERS
from benchmark.workloads import TARGETS, Target
from pool.load.figures import Latencies
from pool.load.tally import histogram


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

    @property
    def latencies(self) -> Latencies | None:
        """Of all rounds together."""
        together = histogram()
        for measurement in self.rounds:
            if measurement.latencies is not None:
                together.add(measurement.latencies)
        return Latencies(together) if together.total_count else None


Results = Mapping[tuple[str, str], Result]  # by (workload, peer)


def machine(peers: Sequence[str]) -> str:
    """Where this was measured and what with; no path and no name of the machine."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    where = f"{len(os.sched_getaffinity(0))} CPUs ({cpu[1] if cpu else platform.machine()})"
    software = (f"Linux {platform.release().split('-')[0]}", f"Python {platform.python_version()}")
    return ", ".join([where, *software, *dict.fromkeys(peers)])


def values(results: Results, workload: str, peer: str) -> dict[str, float]:
    """By the names in METRICS; nothing where that was not measured."""
    result = results.get((workload, peer))
    return result.values if result else {}


def peers_of(results: Results) -> list[str]:
    """In the order in which they were measured."""
    return list(dict.fromkeys(peer for _, peer in results))


class Comparison(NamedTuple):
    """A value of ours beside that of a peer."""

    workload: Workload
    name: str  # of the metric
    peer: str
    ours: float
    theirs: float

    @property
    def metric(self) -> Metric:
        return METRICS[self.name]

    @property
    def advantage(self) -> float:
        """How many times better ours is; below 1, the peer's is."""
        above, below = (self.ours, self.theirs) if self.metric.more_is_better else (self.theirs, self.ours)
        if above == below:
            return 1.0
        return above / below if below else math.inf


def comparisons(workloads: Sequence[Workload], results: Results) -> Iterator[Comparison]:
    """Of every row and metric that is compared, with every peer that is not ours and has a value."""
    for workload in workloads:
        ours = values(results, workload.name, workload.ours)
        for name in workload.compared:
            for peer in PEERS:
                theirs = values(results, workload.name, peer.name)
                if not peer.is_ours and name in ours and name in theirs:
                    yield Comparison(workload, name, peer.name, ours[name], theirs[name])


class Verdict(NamedTuple):
    """A target and what was measured of it."""

    target: Target
    measured: float

    @property
    def is_met(self) -> bool | None:
        """None where it is only aimed at."""
        return self.target.is_met(self.measured, self.target.at_least)

    @property
    def aim_is_met(self) -> bool | None:
        """None where there is no aim beyond it."""
        return self.target.is_met(self.measured, self.target.aim)


def verdicts(results: Results) -> Iterator[Verdict]:
    """Of every target whose values were measured."""
    for target in TARGETS:
        ours = values(results, target.workload, target.ours).get(target.metric)
        theirs = values(results, target.workload, target.peer).get(target.metric) if target.peer else None
        if ours is not None and (theirs or not target.peer):
            yield Verdict(target, ours / theirs if theirs else ours)


def failures(results: Results) -> Iterator[str]:
    """A line for each sort of failure of each peer at each row."""
    for result in results.values():
        for what, count in result.failures.most_common():
            yield f"{result.workload.name}: {result.peer}: {count} x {what}"


def as_data(where: str, results: Results) -> dict[str, object]:
    """For --json: medians, every round, latencies whole, failures; `null` is a value that never came."""
    rows = [
        {
            "workload": result.workload.name,
            "peer": result.peer,
            "values": _finite(result.values),
            "rounds": [_finite(measurement.values) for measurement in result.rounds],
            "histogram": result.latencies.encoded() if result.latencies else None,
            "failures": dict(result.failures),
            "generator_limited": result.generator_limited,
        }
        for result in results.values()
    ]
    targets = [
        {
            **asdict(verdict.target),
            "measured": verdict.measured if math.isfinite(verdict.measured) else None,
            "at_least_met": verdict.is_met,
            "aim_met": verdict.aim_is_met,
        }
        for verdict in verdicts(results)
    ]
    return {"machine": where, "rows": rows, "targets": targets}


def _finite(measured: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isinf(value) else value for name, value in measured.items()}
