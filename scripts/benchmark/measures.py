"""The ways to measure: each brings one server under load and gives the values by the names in METRICS.

What failed is counted by its text and never left out; for the rows that store, what was acknowledged is held against
what lies in the store afterwards. What is measured where is `workloads`; clients other than the load tester, `clients`.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hdrh.histogram import HdrHistogram

from benchmark import accounts, instances
from benchmark.load import Loaded, plan, put_on
from benchmark.peers import Peer, Server
from pool.load.figures import Latencies
from pool.load.plan import ASSOCIATIONS, ECHO, FIXED, KINDS, Plan, Size, Stage, StoreWork
from pool.load.tally import ASSOCIATION, Acknowledged, Interval
from pool.load.verify import verify_folder

IDLE_WINDOW: Final = 20.0  # seconds that the idle CPU is stated for
MIB: Final = 1024 * 1024
NEVER: Final = math.inf
UNBOUNDED: Final = 1 << 62
SMALL: Final = 1024  # bytes
CONNECT_WITHIN: Final = 4.0  # seconds for the silent: a server may take them in one by one
VISITS, VISITS_PER_SECOND = 20, 5.0


@dataclass(frozen=True)
class Metric:
    """A column."""

    heading: str
    digits: int
    more_is_better: bool = False

    @property
    def quantity(self) -> str:
        """The heading without its unit."""
        return "rate" if self.heading == "per s" else self.heading.split()[0]


METRICS: Final[Mapping[str, Metric]] = {
    "rate": Metric("per s", 0, more_is_better=True),
    "mib_rate": Metric("MiB/s", 0, more_is_better=True),
    "p50": Metric("p50 ms", 2),
    "p95": Metric("p95 ms", 2),
    "p99": Metric("p99 ms", 2),
    "cpu": Metric("CPU us each", 1),
    "open": Metric("open", 0, more_is_better=True),
    "idle_cpu": Metric("CPU ms in 20 s", 1),
    "each": Metric("KiB each", 1),
    "growth": Metric("growth MiB", 1),
    "cpu_total": Metric("CPU ms", 0),
    "worst": Metric("worst of 20 ms", 1),
    "generator": Metric("generator", 2),
}


@dataclass(frozen=True)
class Bounds:
    """How long and how much: from the command line."""

    seconds: float
    count: int | None  # None: each row's own
    generators: int
    idle_seconds: float


@dataclass
class Measurement:
    """One round of one row at one peer."""

    values: dict[str, float]
    failures: Counter[str] = field(default_factory=Counter)
    generator_limited: bool = False
    latencies: HdrHistogram | None = None  # of what the row counts, in microseconds


@dataclass(frozen=True)
class Workload:
    """A row. `work` are fields of a load tester's Plan."""

    name: str
    title: str
    measure: Callable[[Workload, Peer, Server, Bounds], Measurement]
    peers: Sequence[str]
    columns: Sequence[str]
    compared: Sequence[str] = ()  # the metrics whose ratios to each peer are worth a column
    work: Mapping[str, Any] = field(default_factory=dict)
    count: int = UNBOUNDED  # operations at most, so that a fast server fills neither memory nor port range
    warm_up: int = 0  # messages of each association before those that count
    durability: str = "none"
    on_disk: bool = False
    options: Sequence[str] = ()
    rounds: int | None = None  # None: as many as asked for; 1 where it takes long and hardly varies
    application: str | None = None  # the handler that receives, of applications/handlers.py; None: the peer's own store
    keeps: bool = True  # what is sent lies in the store afterwards
    served_by: str | None = None  # the peers are clients of this one
    ours: str = "ulpool"  # the peer whose ratios to the others are shown
    family: str = ""  # rows of one family differ in the number of associations only

    @property
    def associations(self) -> int:
        """At a time."""
        return int(self.work.get("associations", 1))

    @property
    def is_of_associations(self) -> bool:
        """What is counted are associations that come and go, not messages."""
        return "messages_per_association" in self.work

    @property
    def phase(self) -> str:
        """What is counted."""
        return ASSOCIATION if self.is_of_associations else next(kind for kind in KINDS if kind in self.work["mix"])

    @property
    def store(self) -> StoreWork | None:
        """What is stored, if that is the work."""
        work: StoreWork | None = self.work.get("store")
        return work

    def most_stored(self, count: int | None) -> int:
        """Bytes that a round leaves in the store, with another bound in operations or its own."""
        return (count or self.count) * self.store.size.low if self.store else 0


# --------------------------------------------------------------------------------------------------- measuring


def throughput(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """A closed loop: each association its next message as soon as the last was answered, or the next association."""
    work = dict(row.work)
    if not row.is_of_associations:  # the others would wait for the end of those that are served
        work["associations"] = min(row.associations, peer.serves_at_a_time)
    warm_up = row.warm_up * work["associations"]
    warmed = put_on(server, plan(server, work, count=warm_up)) if warm_up else None
    count = row.count if bounds.count is None else bounds.count
    is_verified = row.store is not None and row.keeps
    made = plan(server, work, duration=bounds.seconds, count=count, processes=bounds.generators, verify=is_verified)
    loaded = put_on(server, made)
    measurement = _rates(row, loaded)
    if warmed:
        measurement.failures += warmed.failures
    if is_verified:
        measurement.failures += lost(server, made, loaded.run.acknowledged)
    return measurement


def _rates(row: Workload, loaded: Loaded) -> Measurement:
    figures = loaded.figures
    latencies = figures.latencies(row.phase)
    if latencies is None:
        return Measurement({}, loaded.failures)
    values = {"rate": figures.rate(latencies.count), "cpu": loaded.server_cpu / latencies.count * 1e6}
    values |= percentiles(latencies)
    values["mib_rate"] = figures.rate(figures.count("payload_bytes")) / MIB
    values["generator"] = max(loaded.run.cpu_shares)
    return Measurement(values, loaded.failures, loaded.generator_limited, loaded.run.tally.service[row.phase])


def percentiles(latencies: Latencies) -> dict[str, float]:
    """In milliseconds."""
    return {name: (latencies.metric(name) or 0.0) * 1e3 for name in ("p50", "p95", "p99")}


def lost(server: Server, made: Plan, acknowledged: Iterable[Acknowledged]) -> Counter[str]:
    """What was answered with Success and does not lie in the store, byte for byte."""
    found = verify_folder(made, acknowledged, server.store)
    return +Counter(
        {
            "acknowledged, not stored": len(found.missing),
            "acknowledged, stored with other bytes": len(found.differing),
        }
    )


def idle_associations(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Associations that say nothing: what they cost the server in CPU and, each, in memory.

    An echo of each at the end shows that it was there all the time.
    """
    put_on(server, plan(server, row.work, associations=8, count=8))  # what a server loads for the first is not theirs
    empty, full = accounts.memory_kib(server.pid), 0.0
    readings: list[tuple[float, float]] = []

    def read() -> None:
        readings.append((time.monotonic(), accounts.cpu_seconds(server.pid)))

    def prepared() -> None:
        nonlocal full
        full = accounts.memory_kib(server.pid)
        read()

    def measured(interval: Interval) -> None:
        if interval.end < bounds.idle_seconds:  # what is told at its end is told among echoes
            read()

    echoes = Stage(2.0, row.associations / 2, row.associations / 2)
    made = plan(server, row.work, stages=(Stage(bounds.idle_seconds, 0.0, 0.0), echoes))
    loaded = put_on(server, made, on_prepared=prepared, on_interval=measured)
    (began, before), (ended, after) = readings[0], readings[-1]
    there = loaded.figures.times(ECHO)
    values = {"open": there, "each": (full - empty) / max(1, there)}
    if ended > began:
        values["idle_cpu"] = (after - before) * 1e3 * IDLE_WINDOW / (ended - began)
    return Measurement(values, loaded.failures)


def behind_silent_peers(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Connections that never say a word, and come back when they are dropped; then, by the clock, visits of someone who
    has something to say: associate + echo + release."""
    silent = 0
    stages = (Stage(CONNECT_WITHIN, 0.0, 0.0), Stage(VISITS / VISITS_PER_SECOND, VISITS_PER_SECOND, VISITS_PER_SECOND))

    def measured(interval: Interval) -> None:
        nonlocal silent
        silent = max(silent, interval.background_active)

    loaded = put_on(server, plan(server, row.work, stages=stages, unit=ASSOCIATIONS), on_interval=measured)
    latencies = loaded.figures.latencies(ASSOCIATION)
    worst = (latencies.maximum or NEVER) * 1e3 if latencies and latencies.count == VISITS else NEVER
    return Measurement(
        {"open": float(silent), "worst": worst}, loaded.failures, latencies=loaded.run.tally.corrected.get(ASSOCIATION)
    )


def large_object(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """One object far larger than any buffer: how far the process that takes it grows."""
    assert row.store is not None
    path, size = server.store.with_name("large.dcm"), row.store.size.low
    small = row.store._replace(size=Size(FIXED, SMALL))  # what is added to is small: the rest is a hole in the file
    instances.write_large(path, plan(server, row.work, store=small, count=1), size)
    peak: list[accounts.PeakMemory] = []
    made = plan(server, row.work, store=StoreWork(files=(str(path),)), count=1, verify=True)
    loaded = put_on(server, made, on_prepared=lambda: peak.append(accounts.PeakMemory(server.pid)))
    latencies = loaded.figures.latencies(row.phase)
    if latencies is None or latencies.maximum is None:
        return Measurement({}, loaded.failures)
    values = {"growth": peak[0].growth_kib() / 1024, "cpu_total": loaded.server_cpu * 1e3}
    values["mib_rate"] = size / MIB / latencies.maximum
    return Measurement(values, loaded.failures + lost(server, made, loaded.run.acknowledged))
