"""How many cores this process may use: its affinity, bounded by the CPU quota of its cgroups (v1 and v2).

`os.cpu_count()` is the machine's; in a container or under taskset it would start workers that only queue for a core.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> int:
    """Whole cores, at least 1; a quota of 1.5 cores counts as 2. `root` is where /proc and /sys are looked for."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min([cores, *(math.ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """The quota of every cgroup we are in and of all above them, in cores."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, quota_of = root / "sys/fs/cgroup", _quota_v2
        elif "cpu" in controllers.split(","):
            mount, quota_of = root / "sys/fs/cgroup/cpu", _quota_v1
        else:
            continue
        # Inside a container the path may be the host's and absent under the mount: its parents are read all the same.
        group = Path(path.lstrip("/"))
        for directory in (group, *group.parents):
            quota = quota_of(mount / directory)
            if quota is not None:
                yield quota


def _quota_v2(directory: Path) -> float | None:
    match _read(directory / "cpu.max").split():
        case [quota, period] if quota != "max":
            return int(quota) / int(period)
    return None


def _quota_v1(directory: Path) -> float | None:
    quota, period = (_read(directory / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
