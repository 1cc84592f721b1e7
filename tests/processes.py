"""What the kernel knows about a process: its memory, descriptors, CPU, and whether it lives."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from pathlib import Path

from peers import DEADLINE


def memory(pid: int) -> int:
    """Its own share of memory (PSS), in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Pss")


def peak_memory(pid: int) -> int:
    """The most that ever was resident, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def descriptors(pid: int) -> int:
    """How many descriptors it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - Path.iterdir would resolve them


def cpu_time(pid: int) -> float:
    """What its threads ran, in seconds."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def wait_for_ends(pids: Iterable[int]) -> None:
    """Until all these processes, children or not, have ended."""
    for pid in pids:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([pidfd], [], [], DEADLINE)[0], f"process {pid} still lives"
        finally:
            os.close(pidfd)
