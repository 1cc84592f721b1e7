"""The rows of the table: what is sent to whom, what is measured, and what ulpool must reach.

All of it is data; how it is measured is in `measures` and `clients`, and what a row's `work` means in `pool.load.plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmark.clients import associate_all_storage, real_sender, send_files
from benchmark.measures import Workload, behind_silent_peers, idle_associations, large_object, throughput
from pool.load.plan import ECHO, FIXED, SILENT, STORE, Background, Size, StoreWork
from pool.load.scenarios import SCENARIOS

ALL: Final = ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool", "ulpool-1")
PARALLEL: Final = ("dcmtk-fork", "orthanc", "ulpool", "ulpool-1")  # those that take many associations at a time
MESSAGE_COLUMNS: Final = ("rate", "p50", "p95", "p99", "cpu", "generator")
STORE_COLUMNS: Final = ("rate", "mib_rate", "p50", "p95", "p99", "cpu", "generator")

KIB: Final = 1024
MIB: Final = 1024 * KIB
MOST_STORED: Final = 1536 * MIB  # in one round, and as much again for who keeps it twice


def _echo(associations: int) -> Mapping[str, Any]:
    return {"mix": {ECHO: 1.0}, "associations": associations}


def _store(size: int, associations: int) -> Mapping[str, Any]:
    store = StoreWork(modality="CT", size=Size(FIXED, size))
    return {"mix": {STORE: 1.0}, "store": store, "associations": associations}


def _store_row(name: str, size: str, bytes_each: int, associations: int = 8, **more: Any) -> Workload:
    fields: dict[str, Any] = {
        "title": f"C-STORE {size}, {_associations(associations)}, durability none, tmpfs",
        "measure": throughput,
        "peers": ALL,
        "columns": STORE_COLUMNS,
        "compared": ("cpu", "rate"),
        "work": _store(bytes_each, associations),
        "count": min(50_000, MOST_STORED // bytes_each),
        "warm_up": 5,
    }
    return Workload(name, **(fields | more))


def _associations(number: int) -> str:
    return f"{number} association{'s' * (number != 1)}"


def _echo_row(name: str, associations: int, **more: Any) -> Workload:
    fields: dict[str, Any] = {
        "title": f"C-ECHO on {associations} open association{'s' * (associations != 1)}",
        "measure": throughput,
        "peers": ALL,
        "columns": MESSAGE_COLUMNS,
        "compared": ("cpu", "rate"),
        "work": _echo(associations),
        "warm_up": 20,
    }
    return Workload(name, **(fields | more))


def _associate_row(contexts: int) -> Workload:
    return Workload(
        f"associate-{contexts}",
        f"associate + echo + release, {contexts} contexts, 8 at a time",
        throughput,
        ALL,
        MESSAGE_COLUMNS,
        ("rate", "cpu"),
        work={**SCENARIOS["churn"].plan, "contexts": contexts},
        count=30_000,
        warm_up=5,
    )


def _idle(associations: int) -> Mapping[str, Any]:
    return {**_echo(associations), "acse_timeout": 60.0}  # a fork each takes its time


def _silent(connections: int) -> Mapping[str, Any]:
    background = Background(SILENT, connections)
    return {**SCENARIOS["silent-peers"].plan, "background": background, "associations": 20}


HANDLED: Final = ("pynetdicom", "ul.AE", "ulpool", "ulpool-1")

WORKLOADS: Final = (
    _store_row("store-512k", "512 KiB", 512 * KIB, family="C-STORE 512 KiB"),
    _store_row("store-512k-1", "512 KiB", 512 * KIB, 1, family="C-STORE 512 KiB"),
    _store_row("store-512k-32", "512 KiB", 512 * KIB, 32, peers=PARALLEL, family="C-STORE 512 KiB"),
    _store_row("store-512k-128", "512 KiB", 512 * KIB, 128, peers=PARALLEL, warm_up=1, family="C-STORE 512 KiB"),
    _store_row("store-1k", "1 KiB", KIB, warm_up=10),
    _store_row("store-8m", "8 MiB", 8 * MIB, warm_up=1),
    _store_row(
        "store-512k-disk",
        "512 KiB",
        512 * KIB,
        title="C-STORE 512 KiB, 8 associations, durability disk, on disk",
        peers=("orthanc", "ulpool", "ulpool-1"),
        compared=("rate", "cpu"),
        durability="disk",
        on_disk=True,
    ),
    _echo_row("echo", 8, family="C-ECHO"),
    _echo_row("echo-1", 1, family="C-ECHO"),
    _echo_row("echo-32", 32, peers=PARALLEL, family="C-ECHO"),
    _echo_row("echo-128", 128, peers=PARALLEL, family="C-ECHO"),
    _associate_row(3),
    _associate_row(128),
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
        idle_associations,
        ("dcmtk-fork", "ulpool"),
        ("open", "idle_cpu", "each"),
        ("idle_cpu", "each"),
        work=_idle(1000),
        rounds=1,
    ),
    Workload(
        "large",
        "one object of 1 GiB",
        large_object,
        ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool"),
        ("growth", "mib_rate", "cpu_total"),
        ("growth",),
        work={**_store(1024 * MIB, 1), "dimse_timeout": 120.0},
        count=1,
        rounds=1,
    ),
    Workload(
        "silent-500",
        "500 silent peers that come back when dropped, beside 20 times associate + echo + release",
        behind_silent_peers,
        ("pynetdicom", "dcmtk", "dcmtk-fork", "orthanc", "ulpool"),
        ("open", "worst"),
        ("worst",),
        work=_silent(500),
        rounds=1,
    ),
    Workload(
        "silent-500-pending-100",
        "500 silent peers that come back when dropped, with --max-pending 100",
        behind_silent_peers,
        ("ulpool",),
        ("open", "worst"),
        ("worst",),
        work=_silent(500),
        options=("--max-pending", "100"),
        rounds=1,
    ),
    _store_row(
        "handler-512k",
        "512 KiB",
        512 * KIB,
        title="a handler that writes encoded_dataset(): C-STORE 512 KiB, 8 associations, tmpfs",
        peers=HANDLED,
        compared=("rate", "cpu"),
        application="keep",
    ),
    _store_row(
        "handler-decode",
        "1 KiB",
        KIB,
        title="a handler that decodes event.dataset and reads 20 elements: C-STORE 1 KiB, 8 associations",
        peers=HANDLED,
        columns=MESSAGE_COLUMNS,
        compared=("rate",),
        warm_up=20,
        application="read",
        keeps=False,
    ),
    Workload(
        "send-512k",
        "send_c_store of 200 files of 512 KiB to DCMTK's storescp; storescu: its whole process",
        send_files,
        ("pynetdicom", "dcmtk", "ul.AE"),
        ("rate", "mib_rate", "cpu"),
        ("rate", "cpu"),
        work=_store(512 * KIB, 1),
        count=200,
        served_by="dcmtk",
        ours="ul.AE",
    ),
    Workload(
        "ae-associate",
        "AE.associate + release, all storage contexts, each library with itself, 1 at a time",
        associate_all_storage,
        ("pynetdicom", "ul.AE"),
        ("rate", "p50", "p95", "p99", "cpu"),
        ("rate",),
        count=5000,
        application="keep",
        ours="ul.AE",
    ),
    Workload(
        "ae-idle-200",
        "200 idle associations on AE.start_server",
        idle_associations,
        ("pynetdicom", "ul.AE"),
        ("open", "idle_cpu", "each"),
        ("idle_cpu", "each"),
        work=_idle(200),
        rounds=1,
        application="keep",
        ours="ul.AE",
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
    ours: str = "ulpool"

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
    Target("silent-500", "worst", None, 1000, 50),
    Target("silent-500-pending-100", "worst", None, 1000, 50),
    Target("handler-512k", "rate", "pynetdicom", 5, more_is_better=True, ours="ul.AE"),
    Target("handler-512k", "rate", "pynetdicom", 10, more_is_better=True),
    Target("handler-decode", "rate", "ulpool-1", 1.6, more_is_better=True),
    Target("send-512k", "rate", "pynetdicom", 5, more_is_better=True, ours="ul.AE"),
    Target("send-512k", "rate", "dcmtk", 1, more_is_better=True, ours="ul.AE"),
    Target("ae-associate", "rate", "pynetdicom", 30, more_is_better=True, ours="ul.AE"),
    Target("ae-idle-200", "idle_cpu", None, 20, ours="ul.AE"),
)
