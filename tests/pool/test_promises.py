"""What Success, failure and memory mean on a real machine: the order of system calls, a full disk, a huge object."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import peers
import pytest
from processes import peak_memory
from requestor import CT, Requestor
from samples import INSTANCE, SERIES, STUDY, content_of, encoded, head
from serving import server, ulpool

from pool.stats import failures
from ul.status import SUCCESS

# The order of system calls


class Call(NamedTuple):
    """A system call that came back: lines of the trace at which it was entered and left."""

    pid: int
    name: str
    arguments: str
    result: int
    entered: int
    left: int


_BEGIN = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)$")
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
_RESULT = re.compile(r"^(?P<arguments>.*)\) += (?P<result>-?\d+)")
_UNFINISHED = " <unfinished ...>"


def calls(trace: str) -> list[Call]:
    """The calls in a trace of several threads, in the order in which they were entered."""
    begun: dict[int, tuple[str, str, int]] = {}
    found = []
    for number, line in enumerate(trace.splitlines()):
        if resumed := _RESUMED.match(line):
            pid = int(resumed["pid"])
            name, arguments, entered = begun.pop(pid, (resumed["name"], "", number))
            rest = arguments + resumed["rest"]
        elif begin := _BEGIN.match(line):
            pid, name, rest, entered = int(begin["pid"]), begin["name"], begin["arguments"], number
            if rest.endswith(_UNFINISHED):
                begun[pid] = name, rest.removesuffix(_UNFINISHED), number
                continue
        else:
            continue
        if result := _RESULT.match(rest):
            found.append(Call(pid, name, result["arguments"], int(result["result"]), entered, number))
    return sorted(found, key=lambda call: call.entered)


@pytest.fixture
def strace() -> str:
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([program, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return program


def test_success_is_sent_when_all_of_it_is_on_disk(strace: str, tmp_path: Path) -> None:
    """write, fsync of the file, linkat, fsync of every directory up to the root, and then the response."""
    trace = tmp_path / "trace"
    traced = "trace=write,writev,pwrite64,fsync,linkat,sendmsg,sendto,send"
    prefix = (strace, "-f", "-qq", "-yy", "-s", "300", "-e", "signal=none", "-e", traced, "-o", str(trace))
    data_set = encoded(pixels=bytes(100_000))
    with server(tmp_path / "store", "--workers", 1, "--durability", "disk", prefix=prefix) as running:
        try:
            with Requestor(running.port) as requestor:
                assert requestor.store(INSTANCE, data_set).Status == SUCCESS
        finally:  # not by a signal: strace keeps those to itself
            ulpool("stop", "--control", running.control)
            running.process.wait(peers.DEADLINE)
    store = running.store
    made = calls(trace.read_text())

    [link] = [call for call in made if call.name == "linkat"]
    assert f"<{store}/{STUDY}/{SERIES}>" in link.arguments and f'"{INSTANCE}.dcm"' in link.arguments
    assert link.result == 0
    file = re.compile(rf"\d+<{re.escape(str(store))}/[^>]*>")  # of all there is only one, not named yet
    written = [c for c in made if c.name in ("write", "writev", "pwrite64") and file.match(c.arguments)]
    assert sum(call.result for call in written) == (store / STUDY / SERIES / f"{INSTANCE}.dcm").stat().st_size
    descriptor = written[0].arguments.split(",")[0]
    [synced] = [call for call in made if call.name == "fsync" and call.arguments == descriptor]
    directories = {
        folder: [c for c in made if c.name == "fsync" and c.arguments.endswith(f"<{folder}>") and c.left > link.left]
        for folder in (store / STUDY / SERIES, store / STUDY, store)
    }
    # What one worker says on TCP: A-ASSOCIATE-AC, the C-STORE-RSP, A-RELEASE-RP.
    said = [call for call in made if call.name.startswith("send") and re.match(r"\d+<TCP:", call.arguments)]
    assert len(said) == 3
    response = said[1]

    assert said[0].left < written[0].entered
    assert written[-1].left < synced.entered
    assert synced.left < link.entered
    for folder, syncs in directories.items():
        assert any(link.left < sync.entered and sync.left < response.entered for sync in syncs), folder


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    path = tmp_path / "small"
    path.mkdir()
    mounted = peers.run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    try:
        yield path
    finally:
        peers.run("umount", "--lazy", path)


@pytest.mark.parametrize("durability", ["disk", "none"])
def test_a_full_disk_is_a700_and_passes(durability: str, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 << 20))
    with server(small_disk / "store", "--workers", 1, "--durability", durability) as running:
        with Requestor(running.port) as requestor:
            assert requestor.store("1.2.1", encoded("1.2.1", bytes(1000))).Status == SUCCESS
            large = encoded("1.2.2", bytes(2 << 20))
            for _ in range(3):  # what was not kept takes no room either
                response = requestor.store("1.2.2", large)
                assert (response.Status, response.ErrorComment) == (0xA700, "Out of resources: No space left on device")
                assert requestor.echo() == SUCCESS
                assert [path.name for path in running.files()] == ["1.2.1.dcm"]
            assert requestor.store("1.2.3", encoded("1.2.3", bytes(1000))).Status == SUCCESS
            ballast.unlink()
            assert requestor.store("1.2.2", large).Status == SUCCESS
        assert requestor.end == "released"
        assert [path.name for path in running.files()] == ["1.2.1.dcm", "1.2.2.dcm", "1.2.3.dcm"]
        assert content_of(running.store / STUDY / SERIES / "1.2.2.dcm").data_set == large
        assert failures(running.status()["counters"]) == {"A700": 3}


# A huge object


class Generated:
    """A data set with `length` bytes of pixels, made while it is sent."""

    def __init__(self, sop_instance_uid: str, length: int) -> None:
        self._head = head(sop_instance_uid, pixels_length=length)
        self.remaining = len(self._head) + length

    def read(self, size: int, /) -> bytes:
        piece = self._head[:size]
        self._head = self._head[size:]
        self.remaining -= size
        return piece + bytes(size - len(piece))


def test_a_huge_object_does_not_grow_the_worker(roomy: Path) -> None:
    length = 300 << 20
    with server(roomy / "store", "--workers", 1, "--durability", "none") as running:
        [pid] = running.worker_pids()
        with Requestor(running.port) as requestor:
            assert requestor.store("1.2.1", encoded("1.2.1", bytes(1000))).Status == SUCCESS
            before = peak_memory(pid)
            assert requestor.store("1.2.2", Generated("1.2.2", length), CT).Status == SUCCESS
        assert peak_memory(pid) - before < 32 << 20
        stored = running.store / STUDY / SERIES / "1.2.2.dcm"
        assert stored.stat().st_size > length
