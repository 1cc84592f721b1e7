"""The ways to measure: each brings one server under load and gives the values by the names in METRICS.

What failed is counted by its text and never left out; for the rows that store, what was acknowledged is held against
what lies in the store afterwards. What is measured where is `workloads`; clients other than the generator, `clients`.
"""

from __future__ import annotations

import math
import os
import subprocess
import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydicom.data import get_testdata_file

from benchmark import accounts, generator, wire
from benchmark.generator import Generators, Report, Script, Task
from benchmark.peers import Peer, Server

ASSOCIATIONS: Final = 8
GENERATOR_LIMIT: Final = 0.85  # of a core, by one generator process: above it the load is the limit, not the server
MACHINE_FULL: Final = 0.9  # of all cores
IDLE_WINDOW: Final = 20.0  # seconds that the idle CPU is stated for
CONNECT_WITHIN: Final = 10.0  # seconds for the silent: a server may take them in one by one
OPENED_WITHIN: Final = 60.0  # seconds for the idle: a fork each takes its time
MIB: Final = 1024 * 1024
NEVER: Final = math.inf


@dataclass(frozen=True)
class Metric:
    heading: str
    digits: int

    @property
    def quantity(self) -> str:
        """The heading without its unit."""
        return "rate" if self.heading == "per s" else self.heading.split()[0]


METRICS: Final[Mapping[str, Metric]] = {
    "rate": Metric("per s", 0),
    "p50": Metric("p50 ms", 2),
    "p95": Metric("p95 ms", 2),
    "p99": Metric("p99 ms", 2),
    "cpu": Metric("CPU us each", 1),
    "open": Metric("open", 0),
    "idle_cpu": Metric("CPU ms in 20 s", 1),
    "each": Metric("KiB each", 1),
    "growth": Metric("growth MiB", 1),
    "mib_rate": Metric("MiB/s", 0),
    "cpu_total": Metric("CPU ms", 0),
    "first": Metric("1st echo ms", 1),
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
    large_rows: int  # of the large object: 64 KiB each
    patience: float  # seconds that a silent or slow server is waited for


@dataclass
class Measurement:
    values: dict[str, float]
    failures: Counter[str] = field(default_factory=Counter)
    generator_limited: bool = False


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    measure: Callable[[Workload, Peer, Server, Bounds], Measurement]
    peers: Sequence[str]
    columns: Sequence[str]
    compared: Sequence[str] = ()  # the metrics whose ratios to each peer are worth a column
    data_set: Callable[[], bytes] = bytes
    abstract_syntaxes: Sequence[str] = (wire.VERIFICATION,)
    count: int = generator.NO_BOUND  # operations at most, so that a fast server fills neither memory nor port range
    warm_up: int = 0
    durability: str = "none"
    on_disk: bool = False
    options: Sequence[str] = ()
    rounds: int | None = None  # None: as many as asked for; 1 where it takes long and hardly varies
    application: str | None = None  # the handler that receives, of applications/handlers.py; None: the peer's own store
    keeps: bool = True  # what is sent lies in the store afterwards
    served_by: str | None = None  # the peers are clients of this one
    ours: str = "ulpool"  # the peer whose ratios to the others are shown


# --------------------------------------------------------------------------------------------------- measuring


def _task(row: Workload, server: Server, bounds: Bounds, script: Callable[..., Script], **more: object) -> Task:
    stores = row.abstract_syntaxes[0] != wire.VERIFICATION
    syntaxes = (wire.EXPLICIT_VR_LITTLE_ENDIAN,) if stores else wire.UNCOMPRESSED
    request = wire.associate_request(row.abstract_syntaxes, "BENCH", syntaxes)
    task = Task(script, server.port, (0,), request, patience=bounds.patience)
    return replace(task, **more)  # type: ignore[arg-type]


def _spread(task: Task, lanes: int, processes: int) -> list[Task]:
    """The lanes dealt out to the processes; never a process without one."""
    return [replace(task, lanes=range(lanes)[start::processes]) for start in range(min(processes, lanes))]


def percentiles(latencies: array[int]) -> dict[str, float]:
    ordered = sorted(latencies)
    return {f"p{p}": ordered[min(len(ordered) * p // 100, len(ordered) - 1)] / 1e6 for p in (50, 95, 99)}


def _throughput(report: Report, server_cpu: float) -> Measurement:
    done = len(report.latencies)
    if not done:
        return Measurement({}, report.failures)
    values = {"rate": done / report.wall, **percentiles(report.latencies), "cpu": server_cpu / done * 1e6}
    values["generator"] = report.cpu / report.wall
    return Measurement(values, report.failures, _is_limit(report, server_cpu))


def _is_limit(report: Report, server_cpu: float) -> bool:
    """Whether the generator, not the server, decided the rate: a core of its own is full, or the machine is and most
    of that is the generator's."""
    cores = len(os.sched_getaffinity(0))
    full = report.total_cpu + server_cpu > MACHINE_FULL * cores * report.wall
    return report.cpu > GENERATOR_LIMIT * report.wall or (full and report.total_cpu > server_cpu)


def _under_load(server: Server, load: Generators, bounds: Bounds, count: int) -> tuple[Report, float]:
    """One measured stage, and the server's CPU in it."""
    before = accounts.cpu_seconds(server.pid)
    report = load.stage(bounds.seconds, count if bounds.count is None else bounds.count)
    return report, accounts.cpu_seconds(server.pid) - before


def open_associations(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Messages on associations that stay open, each the next as soon as the last was answered."""
    data_set = row.data_set()
    task = _task(row, server, bounds, generator.on_open_association, data_set=data_set, warm_up=row.warm_up)
    with Generators(_spread(task, min(ASSOCIATIONS, peer.serves_at_a_time), bounds.generators)) as load:
        opened = load.stage()
        report, cpu = _under_load(server, load, bounds, row.count)
        closed = load.stage()
    measurement = _throughput(report, cpu)
    measurement.failures += opened.failures + closed.failures
    if data_set and row.keeps:
        acknowledged = len(opened.latencies) + len(report.latencies)
        measurement.failures += lost(server, acknowledged, len(data_set))
    return measurement


def lost(server: Server, acknowledged: int, size: int) -> Counter[str]:
    """What was answered with Success and does not lie in the store."""
    files, total = accounts.stored(server.store)
    return Counter({"acknowledged, not stored": max(0, acknowledged - min(files, total // size))})


def associate_echo_release(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    task = _task(row, server, bounds, generator.churn)
    with Generators(_spread(task, ASSOCIATIONS, bounds.generators)) as load:
        warm_up = load.stage(bounds.seconds / 10, row.count // 10)
        report, cpu = _under_load(server, load, bounds, row.count)
    measurement = _throughput(report, cpu)
    measurement.failures += warm_up.failures
    return measurement


def idle_associations(associations: int, row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Associations that say nothing: what they cost the server in CPU and, each, in memory."""
    task = _task(row, server, bounds, generator.idle, patience=OPENED_WITHIN)
    with Generators(
        _spread(task, ASSOCIATIONS, 1)
    ) as load:  # what a server loads at the first association is not theirs
        load.stage()
        load.stage()
    empty = accounts.memory_kib(server.pid)
    with Generators(_spread(task, associations, 1)) as load:
        opened = load.stage()
        each = (accounts.memory_kib(server.pid) - empty) / max(1, opened.parked)
        before = accounts.cpu_seconds(server.pid)
        time.sleep(bounds.idle_seconds)
        cpu = accounts.cpu_seconds(server.pid) - before
        echoed = load.stage()
    values = {"open": opened.parked, "idle_cpu": cpu * 1e3 * IDLE_WINDOW / bounds.idle_seconds, "each": each}
    return Measurement(values, opened.failures + echoed.failures)


def large_object(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """One object far larger than any buffer: how far the process that takes it grows."""
    columns = 32 * 1024
    head = wire.ct_image_head(bounds.large_rows, columns)
    size = bounds.large_rows * columns * 2
    task = _task(row, server, bounds, generator.one_streamed_object, data_set=head, data_set_size=size, patience=120.0)
    with Generators([task]) as load:
        opened = load.stage()
        before, peak = accounts.cpu_seconds(server.pid), accounts.PeakMemory(server.pid)
        report = load.stage()
        cpu, growth = accounts.cpu_seconds(server.pid) - before, peak.growth_kib()
        closed = load.stage()
    failures = opened.failures + report.failures + closed.failures
    if not report.latencies:
        return Measurement({}, failures)
    failures += lost(server, 1, size)
    values = {"growth": growth / 1024, "mib_rate": size / MIB / (report.latencies[0] / 1e9), "cpu_total": cpu * 1e3}
    return Measurement(values, failures)


def behind_silent_peers(peers: int, row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Connections that never say a word; then an associate + echo + release of someone who does."""
    mute = _task(row, server, bounds, generator.silent, patience=CONNECT_WITHIN)
    speaker = _task(row, server, bounds, generator.churn)
    with Generators(_spread(mute, peers, 1)) as silence, Generators([speaker]) as load:
        connected = silence.stage()
        first = load.stage(bounds.patience, count=1)
        more = load.stage(bounds.patience, count=20)
    answered = bool(first.latencies)
    values = {
        "open": float(connected.parked),
        "first": first.latencies[0] / 1e6 if answered else NEVER,
        "worst": max(more.latencies, default=0) / 1e6 if more.latencies and not more.failures else NEVER,
    }
    return Measurement(values, first.failures + more.failures)


def real_sender(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """DCMTK's storescu as it comes, Nagle's algorithm on: what a site sees that changes no setting of its senders."""
    environment = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    command = ["storescu", "--repeat", str(row.count), "+II", "127.0.0.1", str(server.port)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, get_testdata_file("CT_small.dcm")], env=environment, capture_output=True, text=True
    )
    seconds = time.monotonic() - began
    return Measurement({"rate": row.count / seconds}, Counter({done.stderr.strip(): 1} if done.returncode else {}))
