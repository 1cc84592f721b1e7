"""What one machine can drive: `ulpool load` against `ulpool serve --sink`, and what each C-ECHO costs both sides.

    scripts/reach.py [SECONDS]      of each measurement (3); rates are those of a machine that does nothing else

CPU is user and system time of the processes: it tells what a rate would be where each had a core of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ULPOOL: Final = (sys.executable, "-m", "pool")
READY: Final = re.compile(r"ulpool: ready: \S+@\S+:(\d+), ")
SECONDS: Final = sys.argv[1] if len(sys.argv) > 1 else "3"
TICK: Final = os.sysconf("SC_CLK_TCK")


class Server:
    """A running `ulpool serve`."""

    def __init__(self, port: str, control: str) -> None:
        self.peer = f"ULPOOL@127.0.0.1:{port}"
        self._control = control

    def cpu_seconds(self) -> float:
        """Of its workers, so far."""
        shown = subprocess.run(
            [*ULPOOL, "status", "--json", "--control", self._control], check=True, capture_output=True
        )
        stats = [Path(f"/proc/{worker['pid']}/stat").read_text() for worker in json.loads(shown.stdout)["workers"]]
        return sum(int(ticks) for stat in stats for ticks in stat.rpartition(")")[2].split()[11:13]) / TICK

    def load(self, *options: str) -> dict[str, Any]:
        """The result of a load test against it."""
        ran = subprocess.run(
            [*ULPOOL, "load", self.peer, *options, "--quiet", "--json", "-"], stdout=subprocess.PIPE, check=True
        )
        result: dict[str, Any] = json.loads(ran.stdout)
        return result


@contextmanager
def server(*options: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="ulpool-") as folder:
        more = ("--bind", "127.0.0.1:0", "--control", f"{folder}/control", "-od", f"{folder}/store")
        command = [*ULPOOL, "serve", *more, "--log-format", "text", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        try:
            found = next(filter(None, map(READY.match, process.stderr)), None)
            if found is None:
                sys.exit("reach: the server did not start")
            yield Server(found[1], f"{folder}/control")
        finally:
            process.terminate()
            process.communicate()


def told(what: str, result: dict[str, Any], *more: str) -> None:
    figures, counts = result["figures"], result["figures"]["counts"]
    rate = counts["messages_ok"] / figures["seconds"]
    own = result["cpu_seconds"] / counts["messages_ok"] * 1e6
    words = [f"{rate:,.0f}/s", f"{counts['errors']} errors", f"generator {own:,.1f} us CPU each", *more]
    print(f"{what:44} {', '.join(words)}", flush=True)  # noqa: T201


def measured(what: str, running: Server, *options: str) -> None:
    """A load with what it costs the server and, where data sets are sent, their bytes."""
    began = running.cpu_seconds()
    result = running.load(*options, "--duration", f"{SECONDS}s")
    used, counts = running.cpu_seconds() - began, result["figures"]["counts"]
    words = [f"server {used / counts['messages_ok'] * 1e6:,.1f} us"]
    if payload := counts["payload_bytes"]:
        words.append(f"{payload / result['figures']['seconds'] / 1e9:.2f} GB/s")
    told(what, result, *words)


def held(running: Server, associations: int, processes: int) -> None:
    """So many associations at a time, each of which sends a C-ECHO every five seconds."""
    options = ("--associations", str(associations), "--processes", str(processes), "--think-time", "5s")
    result = running.load(*options, "--duration", "10s")
    accepted, active = result["figures"]["counts"]["associations_accepted"], result["intervals"][0]["active"]
    told(
        f"{associations:,} associations, {processes} processes", result, f"{accepted:,} accepted, {active:,} at a time"
    )


def main() -> None:
    one = ("--processes", "1", "--associations")
    with server("--sink", "--workers", "1") as sink:
        measured("C-ECHO, one process, a sink of one worker", sink, *one, "32")
        measured("C-STORE of 512 KiB, the same", sink, *one, "4", "--size", "512KiB")
        measured("C-STORE of 8 MiB, the same", sink, *one, "4", "--size", "8MiB")
    with server("--workers", "1") as ordinary:
        measured("C-ECHO, one process, a server of one worker", ordinary, *one, "32")
    with server("--sink", "--workers", "2", "--max-associations", "20000") as sink:
        held(sink, 2_000, 1)
        held(sink, 10_000, 4)


if __name__ == "__main__":
    main()
