"""Clients other than the generator, as their users run them: programs that send files, and that associate.

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
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from benchmark import accounts, peers, wire
from benchmark.measures import MIB, Bounds, Measurement, Workload, lost, percentiles
from benchmark.peers import NO_DELAY, Peer, Server

PREAMBLE: Final = bytes(128) + b"DICM"
ENDS_WITHIN: Final = 120.0  # seconds, beyond what it was told to work


def send_files(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """All files of a folder on one association."""
    folder = server.store.with_name("files")
    data_set, count = row.data_set(), bounds.count or row.count
    _write_instances(folder, data_set, count)
    if peer.library is None:
        told = _timed(peers.storescu(server.port, folder))
    else:
        told = _told(peers.program("sender.py", peer.library, server.port, folder))
    failures = Counter({"not sent": told["failures"]}) + lost(server, count - told["failures"], len(data_set))
    values = {"rate": count / told["seconds"], "cpu": told["cpu"] / count * 1e6}
    return Measurement(values | {"mib_rate": values["rate"] * len(data_set) / MIB}, failures)


def associate_all_storage(row: Workload, peer: Peer, server: Server, bounds: Bounds) -> Measurement:
    """Associate with all storage contexts and release, by the same library at both ends."""
    before = accounts.cpu_seconds(server.pid)
    command = peers.program("requestor.py", peer.library, server.port, bounds.seconds, bounds.count or row.count)
    told = _told(command, bounds.seconds)
    cpu = accounts.cpu_seconds(server.pid) - before
    failures, done = Counter({"not all accepted": told["failures"]}), len(told["latencies"])
    if not done:
        return Measurement({}, failures)
    values = {"rate": done / told["seconds"], "cpu": cpu / done * 1e6}
    return Measurement(values | percentiles(array("Q", told["latencies"])), +failures)


def _write_instances(folder: Path, data_set: bytes, count: int) -> None:
    folder.mkdir()
    template = _file_meta_information() + data_set
    for number in range(count):
        instance = bytearray(template)
        wire.patch(instance, wire.INSTANCE_UID, f"{number:0{wire.COUNTER_WIDTH}d}")
        (folder / f"{number:06d}.dcm").write_bytes(instance)


def _file_meta_information() -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(wire.CT_IMAGE_STORAGE), UID(wire.INSTANCE_UID)
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, UID(wire.UID_ROOT + ".1.1")
    encoded = BytesIO()
    write_file_meta_info(DicomIO(encoded), meta)
    return PREAMBLE + encoded.getvalue()


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
