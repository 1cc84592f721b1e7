"""What the kernel knows of a process (memory, descriptors, CPU, whether it lives), and what a server says of itself."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from peers import DEADLINE

from pool import messages
from pool.control import request


def status(control: Path) -> dict[str, Any]:
    """What a server says about itself, asked without the quarter of a second that a command line takes to start."""
    answer: dict[str, Any] = request(control, messages.STATUS(), DEADLINE)["status"]
    return answer


def worker_pids(control: Path) -> list[int]:
    """The processes of a server's workers."""
    return [worker["pid"] for worker in status(control)["workers"]]


def children() -> set[int]:
    """The processes that this one has started and that still live; a browser, say, is there for all tests."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


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
