"""The rows of the table: what is sent to whom, what is measured, and what ulpool must reach.

All of it is data; how it is measured is in `measures` and `clients`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmark import wire
from benchmark.clients import associate_all_storage, send_files
from benchmark.measures import (
    Workload,
    associate_echo_release,
    behind_silent_peers,
    idle_associations,
    large_object,
    open_associations,
    real_sender,
)

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
    Workload(
        "handler-512k",
        "a handler that writes encoded_dataset(): C-STORE 512 KiB, 8 associations, tmpfs",
        open_associations,
        ("pynetdicom", "ul.AE", "ulpool", "ulpool-1"),
        MESSAGE_COLUMNS,
        ("rate", "cpu"),
        data_set=wire.ct_image_of_512_kib,
        abstract_syntaxes=STORE,
        count=3000,
        warm_up=5,
        application="keep",
    ),
    Workload(
        "handler-decode",
        "a handler that decodes event.dataset and reads 20 elements: C-STORE 1 KiB, 8 associations",
        open_associations,
        ("pynetdicom", "ul.AE", "ulpool", "ulpool-1"),
        MESSAGE_COLUMNS,
        ("rate",),
        data_set=wire.ct_image_of_1_kib,
        abstract_syntaxes=STORE,
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
        data_set=wire.ct_image_of_512_kib,
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
        partial(idle_associations, 200),
        ("pynetdicom", "ul.AE"),
        ("open", "idle_cpu", "each"),
        ("idle_cpu", "each"),
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
    Target("silent-500", "first", None, 1000, 50),
    Target("silent-500-pending-100", "first", None, 1000, 50),
    Target("handler-512k", "rate", "pynetdicom", 5, more_is_better=True, ours="ul.AE"),
    Target("handler-512k", "rate", "pynetdicom", 10, more_is_better=True),
    Target("handler-decode", "rate", "ulpool-1", 1.6, more_is_better=True),
    Target("send-512k", "rate", "pynetdicom", 5, more_is_better=True, ours="ul.AE"),
    Target("send-512k", "rate", "dcmtk", 1, more_is_better=True, ours="ul.AE"),
    Target("ae-associate", "rate", "pynetdicom", 30, more_is_better=True, ours="ul.AE"),
    Target("ae-idle-200", "idle_cpu", None, 20, ours="ul.AE"),
)
