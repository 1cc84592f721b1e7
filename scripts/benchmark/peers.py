"""The servers to compare: how each is started, told its port and its store, and known to be ready.

A server gets a session of its own, a folder of its own and a log file there; it ends, with every process of its tree
and with the folder, when its context ends. Sockets are those of 127.0.0.1; DCMTK and Orthanc know no bind address, so
the whole benchmark moves into a network namespace that has nothing but loopback, where the kernel lets it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib.metadata
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from benchmark import accounts

APPLICATIONS: Final = Path(__file__).with_name("applications")
START_WITHIN: Final = 20.0  # seconds
LOOK_EVERY: Final = 0.02  # seconds between two looks at a server that starts or ends
READY_LINE: Final = re.compile(r"ulpool: ready: \S+@127\.0\.0\.1:(\d+)")
LEAST_THREADS: Final = 8  # of Orthanc
NO_DELAY: Final = {"TCP_NODELAY": "1"}  # without it Nagle's algorithm costs DCMTK 40 ms a message

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 0x1


class MissingPeer(Exception):
    """A server to compare with is not installed."""


class ServerFailed(Exception):
    """A server did not start, or did not live to the end."""


@dataclass(frozen=True)
class Setup:
    """What a server is told."""

    port: int  # 0 where the server chooses
    folder: Path  # its own: configuration, control, log
    store: Path
    durability: str
    workers: int
    maximum_pdu: int | None  # None: the server's default
    associations: int = 1  # at a time, for a server that must be told
    options: Sequence[str] = ()  # of this row of the table, for ulpool
    application: str | None = None  # the handler that takes instances; None: what the server comes with


@dataclass(frozen=True)
class Peer:
    name: str
    command: Callable[[Setup], list[str]]
    software: Callable[[], str]  # name and version; MissingPeer where it is not installed
    environment: Mapping[str, str] = field(default_factory=dict)
    serves_at_a_time: int = 1 << 30  # open associations; the others would wait for the end of these
    workers: int | None = None  # of ulpool: None is as many as asked for on the command line
    announces_port: bool = False
    package: str | None = None  # that programs import
    is_ours: bool = False


# ---------------------------------------------------------------------------------------------------- commands


def _beside_python(name: str) -> str:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise MissingPeer(name)
    return str(path)


def _system_executable(name: str) -> str:
    """Not beside python: pynetdicom may have put a storescp of its own there."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise MissingPeer(name)
    return found


def _if_given(option: str, value: int | None) -> list[str]:
    return [] if value is None else [option, str(value)]


def program(name: str, *arguments: object) -> list[str]:
    """A program of applications/, under the python that runs this."""
    return [sys.executable, str(APPLICATIONS / name), *map(str, arguments)]


def _receiver(library: str, setup: Setup) -> list[str]:
    return program("receiver.py", library, setup.application, setup.port)


def _ul(setup: Setup) -> list[str]:
    return _receiver("ul", setup)


def _ulpool(setup: Setup) -> list[str]:
    control = setup.folder / "control"
    control.mkdir(mode=0o700)
    application = [f"served:{setup.application}", "--app-dir", str(APPLICATIONS)] if setup.application else []
    return [
        *(
            _beside_python("ulpool"),
            "serve",
            *application,
            "--bind",
            f"127.0.0.1:{setup.port}",
            "--workers",
            str(setup.workers),
        ),
        *("--output-directory", str(setup.store), "--durability", setup.durability, "--control", str(control)),
        *("--log-format", "text"),
        *_if_given("--max-pdu", setup.maximum_pdu),
        *setup.options,
    ]


def _dcmtk(setup: Setup, *mode: str) -> list[str]:
    return [
        *(_system_executable("storescp"), *mode, "+B", "--disable-host-lookup", "-od", str(setup.store)),
        *_if_given("-pdu", setup.maximum_pdu),
        str(setup.port),
    ]


def _dcmtk_fork(setup: Setup) -> list[str]:
    return _dcmtk(setup, "--fork")


def storescu(port: int, folder: Path) -> list[str]:
    return [_system_executable("storescu"), "127.0.0.1", str(port), "+sd", str(folder)]


def _pynetdicom(setup: Setup) -> list[str]:
    if setup.application:
        return _receiver("pynetdicom", setup)
    return [
        *(sys.executable, "-m", "pynetdicom", "storescp", "-ba", "127.0.0.1", "-od", str(setup.store)),
        *_if_given("-pdu", setup.maximum_pdu),
        str(setup.port),
    ]


def _orthanc(setup: Setup) -> list[str]:
    """Its own defaults, but for what this run needs; a thread for each association, where it has four."""
    configuration = {
        "StorageDirectory": str(setup.store),
        "IndexDirectory": str(setup.store),
        "HttpServerEnabled": False,
        "DicomPort": setup.port,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "DicomThreadsCount": max(LEAST_THREADS, setup.associations),
        "Plugins": [],
    }
    if setup.maximum_pdu is not None:
        configuration["MaximumPduLength"] = setup.maximum_pdu
    path = setup.folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    return [_system_executable("Orthanc"), str(path)]


# -------------------------------------------------------------------------------------------------- the peers


def _distribution(name: str) -> str:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        raise MissingPeer(name) from None


def _printed(name: str, executable: str) -> str:
    command = [_system_executable(executable), "--version"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", output)
    return f"{name} {found[0] if found else 'of unknown version'}"


PEERS: Final = (
    Peer("pynetdicom", _pynetdicom, partial(_distribution, "pynetdicom"), package="pynetdicom"),
    Peer("dcmtk", _dcmtk, partial(_printed, "DCMTK", "storescp"), NO_DELAY, serves_at_a_time=1),
    Peer("dcmtk-fork", _dcmtk_fork, partial(_printed, "DCMTK", "storescp"), NO_DELAY),
    Peer("orthanc", _orthanc, partial(_printed, "Orthanc", "Orthanc"), NO_DELAY),
    Peer("ul.AE", _ul, partial(_distribution, "ulpool"), package="ul", is_ours=True),
    Peer("ulpool", _ulpool, partial(_distribution, "ulpool"), announces_port=True, is_ours=True),
    Peer("ulpool-1", _ulpool, partial(_distribution, "ulpool"), announces_port=True, workers=1, is_ours=True),
)


# ----------------------------------------------------------------------------------------------------- servers


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    pid: int
    port: int
    store: Path


@contextlib.contextmanager
def running(peer: Peer, root: Path, **told: object) -> Iterator[Server]:
    """Start a server in a new folder under `root`; `told` are the rest of its Setup."""
    with tempfile.TemporaryDirectory(prefix="ulpool-bench-", dir=root) as name:
        folder = Path(name)
        store = folder / "store"
        store.mkdir()
        port = 0 if peer.announces_port else _free_port()
        setup = Setup(port=port, folder=folder, store=store, **told)  # type: ignore[arg-type]
        process = _start(peer, setup)
        try:
            yield Server(process.pid, _port_when_ready(peer, process, setup), store)
            if process.poll() is not None:
                raise ServerFailed(f"{peer.name} ended with {process.returncode}: {_end_of_log(folder)}")
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _start(peer: Peer, setup: Setup) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ULPOOL_")}
    with (setup.folder / "log").open("wb") as log:
        return subprocess.Popen(
            peer.command(setup),
            cwd=setup.folder,
            env={**environment, **peer.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _port_when_ready(peer: Peer, process: subprocess.Popen[bytes], setup: Setup) -> int:
    give_up_at = time.monotonic() + START_WITHIN
    while time.monotonic() < give_up_at and process.poll() is None:
        if peer.announces_port:
            if found := READY_LINE.search((setup.folder / "log").read_text(errors="replace")):
                return int(found[1])
        elif accounts.is_listening(setup.port):
            return setup.port
        time.sleep(LOOK_EVERY)
    raise ServerFailed(f"{peer.name} did not start: {_end_of_log(setup.folder)}")


def _end_of_log(folder: Path) -> str:
    return (folder / "log").read_text(errors="replace").strip()[-500:] or "its log is empty"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole tree at once: what it stored is thrown away with it, so there is nothing to wait for."""
    while tree := [pid for pid in accounts.process_tree(process.pid) if accounts.is_running(pid)]:
        for pid in tree:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_EVERY)
    process.wait()


# -------------------------------------------------------------------------------------------------- namespace


def enter_own_network() -> bool:
    """Leave every network but a loopback of our own. False where the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    with Path("/proc/self/ns/net").open() as former:
        if libc.unshare(CLONE_NEWNET) == 0:
            with contextlib.suppress(PermissionError):
                _bring_loopback_up()
                return True
            libc.setns(former.fileno(), CLONE_NEWNET)  # root of a container may make one, and yet not set it up
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _bring_loopback_up()
    return True


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
