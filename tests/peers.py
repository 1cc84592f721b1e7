"""Real peers for tests: DCMTK's programs and Orthanc, started, waited for by condition, and always ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

DEADLINE = 30.0  # seconds: only ever reached by a test that fails

# Without it Nagle and delayed ACK cost DCMTK 40 ms a message.
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def dcmtk(name: str) -> str:
    """The path of a DCMTK program; the test is skipped where it is not installed."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"DCMTK's {name} is not installed")
    return program


def run(*command: str | Path, timeout: float = DEADLINE) -> subprocess.CompletedProcess[str]:
    """Run a peer to its end."""
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout, env=ENVIRONMENT, check=False
    )


def free_port(host: str = "127.0.0.1") -> int:
    """A port for a peer that cannot choose its own, or for nobody: until this process ends, no other is given it.

    The kernel gives away no port that is bound, but lets servers listen there that set SO_REUSEADDR, as they all do.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, 0))
    port = int(sock.getsockname()[1])
    sock.detach()
    return port


def orthanc(folder: Path, port: int, ae_title: str) -> list[str | Path]:
    """Orthanc's command line, with all that it keeps below `folder`; the test is skipped where it is not installed."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None:
        pytest.skip("Orthanc is not installed")
    configuration = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpServerEnabled": False,
        "DicomAet": ae_title,
        "DicomPort": port,
        **dict.fromkeys(("DicomAlwaysAllowEcho", "DicomAlwaysAllowFind", "DicomAlwaysAllowStore"), True),
        "Plugins": [],
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    return [program, path]


@contextmanager
def serving(command: Sequence[str | Path], port: int, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A peer's server, once it listens on `port`."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd=cwd,
    )
    try:
        wait_for_listener(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_listener(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the kernel has a listener on `port`, without connecting: it would count as a peer."""
    wanted = f":{port:04X}"
    while not any(_is_listening(line, wanted) for table in ("tcp", "tcp6") for line in _sockets(table)):
        try:
            process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it listened")


def _sockets(table: str) -> list[str]:
    return Path(f"/proc/net/{table}").read_text().splitlines()[1:]


def _is_listening(line: str, port: str) -> bool:
    fields = line.split()
    return fields[1].endswith(port) and fields[3] == "0A"


def python(*arguments: str) -> list[str]:
    """A command line of this interpreter."""
    return [sys.executable, *arguments]
