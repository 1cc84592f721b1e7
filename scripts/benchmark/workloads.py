"""The rows of the table: what is sent to whom, what is measured, and what ulpool must reach.

A row is data; the few ways to measure are the functions below. Each brings one server under load and gives the values
by the names in METRICS. What failed is counted by its text and never left out; for the rows that store, what was
acknowledged is held against what lies in the store afterwards.
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
from functools import partial
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


def _percentiles(latencies: array[int]) -> dict[str, float]:
    ordered = sorted(latencies)
    return {f"p{p}": ordered[min(len(ordered) * p // 100, len(ordered) - 1)] / 1e6 for p in (50, 95, 99)}


def _throughput(report: Report, server_cpu: float) -> Measurement:
    done = len(report.latencies)
    if not done:
        return Measurement({}, report.failures)
    values = {"rate": done / report.wall, **_percentiles(report.latencies), "cpu": server_cpu / done * 1e6}
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
    if data_set:
        acknowledged = len(opened.latencies) + len(report.latencies)
        measurement.failures += _lost(server, acknowledged, len(data_set))
    return measurement


def _lost(server: Server, acknowledged: int, size: int) -> Counter[str]:
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
    failures += _lost(server, 1, size)
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


# -------------------------------------------------------------------------------------------------------- rows

ALL: Final = ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool", "ulpool-1")
MESSAGE_COLUMNS: Final = ("rate", "p50", "p95", "p99", "cpu", "generator")
STORE: Final = (wire.CT_IMAGE_STORAGE,)

WORKLOADS: Final = (
    Workload(
        "store-512k",
        "C-STORE 512 KiB, 8 associations, durability none, tmpfs",
        open_associations,
        ALL,
        MESSAGE_COLUMNS,
        ("cpu", "rate"),
        data_set=wire.ct_image_of_512_kib,
        abstract_syntaxes=STORE,
        count=3000,
        warm_up=5,
    ),
    Workload(
        "store-1k",
        "C-STORE 1 KiB, 8 associations, durability none, tmpfs",
        open_associations,
        ALL,
        MESSAGE_COLUMNS,
        ("cpu", "rate"),
        data_set=wire.ct_image_of_1_kib,
        abstract_syntaxes=STORE,
        count=50_000,
        warm_up=10,
    ),
    Workload(
        "store-512k-disk",
        "C-STORE 512 KiB, 8 associations, durability disk, on disk",
        open_associations,
        ("orthanc", "ulpool", "ulpool-1"),
        MESSAGE_COLUMNS,
        ("rate", "cpu"),
        data_set=wire.ct_image_of_512_kib,
        abstract_syntaxes=STORE,
        count=3000,
        warm_up=5,
        durability="disk",
        on_disk=True,
    ),
    Workload(
        "echo",
        "C-ECHO on 8 open associations",
        open_associations,
        ALL,
        MESSAGE_COLUMNS,
        ("cpu", "rate"),
        warm_up=20,
    ),
    Workload(
        "associate-3",
        "associate + echo + release, 3 contexts, 8 at a time",
        associate_echo_release,
        ALL,
        MESSAGE_COLUMNS,
        ("rate", "cpu"),
        abstract_syntaxes=(wire.VERIFICATION, *wire.storage_sop_classes()[:2]),
        count=30_000,
    ),
    Workload(
        "associate-128",
        "associate + echo + release, 128 contexts, 8 at a time",
        associate_echo_release,
        ALL,
        MESSAGE_COLUMNS,
        ("rate", "cpu"),
        abstract_syntaxes=(wire.VERIFICATION, *wire.storage_sop_classes()[:127]),
        count=30_000,
    ),
    Workload(
        "storescu",
        "C-STORE 39 KiB from DCMTK's storescu with its defaults (Nagle's algorithm on), 1 association",
        real_sender,
        ("pynetdicom", "dcmtk", "orthanc", "ulpool"),
        ("rate",),
        ("rate",),
        count=60,
    ),
    Workload(
        "idle-1000",
        "1,000 idle associations",
        partial(idle_associations, 1000),
        ("dcmtk-fork", "ulpool"),
        ("open", "idle_cpu", "each"),
        ("idle_cpu", "each"),
        rounds=1,
    ),
    Workload(
        "large",
        "one object of 1 GiB",
        large_object,
        ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool"),
        ("growth", "mib_rate", "cpu_total"),
        ("growth",),
        abstract_syntaxes=STORE,
        rounds=1,
    ),
    Workload(
        "silent-500",
        "500 connected and silent peers, then an echo",
        partial(behind_silent_peers, 500),
        ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool"),
        ("open", "first", "worst"),
        rounds=1,
    ),
    Workload(
        "silent-500-pending-100",
        "500 connected and silent peers with --max-pending 100, then an echo",
        partial(behind_silent_peers, 500),
        ("ulpool",),
        ("open", "first", "worst"),
        options=("--max-pending", "100"),
        rounds=1,
    ),
)


@dataclass(frozen=True)
class Target:
    """What ulpool must reach: a factor of a peer's value, or an absolute value where no peer is named."""

    workload: str
    metric: str
    peer: str | None
    at_least: float | None
    aim: float | None = None
    more_is_better: bool = False

    def is_met(self, value: float, bound: float | None) -> bool | None:
        if bound is None:
            return None
        return value >= bound if self.more_is_better else value <= bound


TARGETS: Final = (
    Target("store-512k", "cpu", "dcmtk", 1.25, 1),
    Target("store-512k", "cpu", "pynetdicom", 1 / 8),
    Target("store-1k", "cpu", "dcmtk", 2, 1),
    Target("store-1k", "cpu", "pynetdicom", 1 / 20),
    Target("store-512k-disk", "rate", "orthanc", 1, 3, more_is_better=True),
    Target("echo", "cpu", "dcmtk", 2, 1),
    Target("echo", "cpu", "pynetdicom", 1 / 40),
    Target("associate-3", "rate", "pynetdicom", 10, more_is_better=True),
    Target("associate-3", "rate", "orthanc", None, 1, more_is_better=True),
    Target("associate-128", "rate", "pynetdicom", 30, more_is_better=True),
    Target("associate-128", "rate", "orthanc", None, 1, more_is_better=True),
    Target("idle-1000", "idle_cpu", None, 20),
    Target("idle-1000", "each", None, 24, 12),
    Target("large", "growth", None, 32),
    Target("silent-500", "first", None, 1000, 50),
    Target("silent-500-pending-100", "first", None, 1000, 50),
)
