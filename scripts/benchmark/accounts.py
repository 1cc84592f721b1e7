"""What a server's processes used, as the kernel counts it.

CPU is read from the process CPU clocks (nanoseconds, threads that ended included) and, for children already reaped,
from cutime + cstime of /proc/PID/stat (ticks, but one rounding for all of them). Memory is PSS, so that what processes
share counts once, and the kernel's own high-water mark for a peak that no sampling could miss.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")
RESET_PEAK_RSS: Final = "5"  # proc(5), clear_refs
LISTEN: Final = "0A"

# Fields of /proc/PID/stat behind the command name, counted from 0.
STATE, PPID, SESSION, CUTIME, CSTIME = 0, 1, 3, 13, 14


def _stat(pid: int) -> list[str]:
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _all_processes() -> Iterator[tuple[int, list[str]]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield int(entry.name), _stat(int(entry.name))


def process_tree(root: int) -> list[int]:
    """The process, its descendants, and whatever else lives in its session (orphans of a fork)."""
    processes = dict(_all_processes())
    tree = {root} & processes.keys() | {pid for pid, stat in processes.items() if int(stat[SESSION]) == root}
    while more := {pid for pid, stat in processes.items() if int(stat[PPID]) in tree} - tree:
        tree |= more
    return sorted(tree)


def is_running(pid: int) -> bool:
    try:
        return _stat(pid)[STATE] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_seconds(root: int) -> float:
    """CPU time of the whole tree so far, reaped children included."""
    return sum(map(_cpu_of_process, process_tree(root)))


def _cpu_of_process(pid: int) -> float:
    try:
        own = time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of the process, as clock_getcpuclockid(3) makes it
        stat = _stat(pid)
    except OSError:
        return 0.0  # ended between the listing and here: its parent's cutime has it
    return own + (int(stat[CUTIME]) + int(stat[CSTIME])) / CLOCK_TICKS


def _kib(pid: int, name: str, field: str) -> int:
    try:
        lines = (PROC / str(pid) / name).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field + ":")), 0)


def memory_kib(root: int) -> int:
    """Proportional set size of the whole tree."""
    return sum(_kib(pid, "smaps_rollup", "Pss") for pid in process_tree(root))


class PeakMemory:
    """How far any one process of a tree grew between two moments."""

    def __init__(self, root: int) -> None:
        self._before = {pid: _kib(pid, "status", "VmRSS") for pid in process_tree(root)}
        for pid in self._before:
            (PROC / str(pid) / "clear_refs").write_text(RESET_PEAK_RSS)

    def growth_kib(self) -> int:
        """Of the process that grew most, from its size then to the highest it reached."""
        return max(_kib(pid, "status", "VmHWM") - before for pid, before in self._before.items())


def is_listening(port: int) -> bool:
    """Whether any socket listens on the TCP port: told by the kernel, without a connection the server would see."""
    ending = f":{port:04X}"
    for table in ("net/tcp", "net/tcp6"):
        for line in (PROC / "self" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == LISTEN and local.endswith(ending):
                return True
    return False
