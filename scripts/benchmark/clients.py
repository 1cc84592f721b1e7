"""Clients other than the load tester, as their users run them: programs that send files, and that associate.

Here a row's peers are what sends. The programs written against a library are those of applications/; they take their
time themselves, so that neither the interpreter's start nor their imports count; of a program that knows nothing of us
it is the whole process.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydicom.data import get_testdata_file

from benchmark import accounts, instances, peers
from benchmark.load import plan
from benchmark.measures import MIB, Bounds, Measurement, Workload, lost, percentiles
from benchmark.peers import NO_DELAY, Peer, Server
from pool.load.figures import Latencies
from pool.load.tally import histogram

ENDS_WITHIN: Final = 120.0  # seconds, beyond what it was told to work


def send_files(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """All files of a folder on one association."""
    folder = server.store.with_name("files")
    count = bounds.count or row.count
    made = plan(server, row.work, count=count)
    written = instances.write(folder, made, count)
    size = sum(path.stat().st_size for path in folder.iterdir())
    if peer.package is None:
        told = _timed(peers.storescu(server.port, folder))
    else:
        told = _told(peers.program("sender.py", peer.package, server.port, folder))
    failures = Counter({"not sent": told["failures"]})
    if not failures.total():
        failures += lost(server, made, written)
    values = {"rate": count / told["seconds"], "mib_rate": size / MIB / told["seconds"]}
    return Measurement(values | {"cpu": told["cpu"] / count * 1e6}, +failures)


def associate_all_storage(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Associate with all storage contexts and release, by the same package at both ends."""
    before = accounts.cpu_seconds(server.pid)
    command = peers.program("requestor.py", peer.package, server.port, bounds.seconds, bounds.count or row.count)
    told = _told(command, bounds.seconds)
    cpu = accounts.cpu_seconds(server.pid) - before
    failures, done = +Counter({"not all accepted": told["failures"]}), len(told["latencies"])
    if not done:
        return Measurement({}, failures)
    recorded = histogram()
    for nanoseconds in told["latencies"]:
        recorded.record_value(max(1, nanoseconds // 1000))
        values = {"rate": done / told["seconds"], "cpu": cpu / done * 1e6}
    return Measurement(values | percentiles(Latencies(recorded)), failures, latencies=recorded)


def real_sender(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """DCMTK's storescu as it comes, Nagle's algorithm on: what a site sees that changes no setting of its senders."""
    environment = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    count = bounds.count or row.count
    command = ["storescu", "--repeat", str(count), "+II", "127.0.0.1", str(server.port)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, str(get_testdata_file("CT_small.dcm"))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDS_WITHIN,
    )
    seconds = time.monotonic() - began
    return Measurement({"rate": count / seconds}, Counter({done.stderr.strip(): 1} if done.returncode else {}))


def _run(command: Sequence[str], patience: float = 0.0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **NO_DELAY}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=patience + ENDS_WITHIN
    )


def _told(command: Sequence[str], patience: float = 0.0) -> Mapping[str, Any]:
    """What a program of ours says it did."""
    done = _run(command, patience)
    if done.returncode:
        raise peers.ServerFailed(f"{Path(command[1]).name} {command[2]}: {done.stderr.strip()[-500:]}")
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _timed(command: Sequence[str]) -> Mapping[str, Any]:
    """The whole process of a program that knows nothing of us."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = _run(command)
    seconds, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "failures": int(done.returncode != 0)}
