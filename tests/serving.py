"""A real `ulpool serve` for tests: started on a free port, waited for by its ready line, always ended."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import processes
from peers import DEADLINE

if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # as under nohup: what is started here would not reload
    signal.signal(signal.SIGHUP, lambda signum, frame: None)

READY = re.compile(r"ulpool: ready: (?P<aet>.+)@(?P<host>.+):(?P<port>\d+), (?P<workers>\d+) workers?, ")


class RunningServer:
    """`ulpool serve` with some options: where it listens, what it stores and logs, how to ask and stop it."""

    def __init__(self, process: subprocess.Popen[str], store: Path, control: Path) -> None:
        self.process = process
        self.store = store
        self.control = control
        self.log: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def wait_until_ready(self) -> None:
        """Until it takes connections; from then on its port is known."""
        ready = READY.match(self.wait_for_log("ulpool: ready:"))
        assert ready is not None
        self.port = int(ready["port"])

    def close(self) -> None:
        """After its end. Workers of a killed server write to the log until they end too."""
        self._reader.join(DEADLINE)
        assert not self._reader.is_alive(), "a worker of it still lives"
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.log.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for_log(self, text: str, count: int = 1) -> str:
        """The line with the `count`th occurrence of `text`, once it was logged."""

        def found() -> list[str]:
            return [line for line in self.log if text in line]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= count or self._ended, DEADLINE)
            assert len(found()) >= count, f"never logged: {text!r}; the log is:\n" + "\n".join(self.log)
            return found()[count - 1]

    def events(self, name: str) -> list[str]:
        """The log lines of one event."""
        return [line for line in self.log if f" {name} " in f"{line} "]

    def status(self) -> dict[str, Any]:
        """What it says about itself."""
        return processes.status(self.control)

    def worker_pids(self) -> list[int]:
        """The processes of the workers."""
        return [worker["pid"] for worker in self.status()["workers"]]

    def files(self) -> list[Path]:
        """What is stored."""
        return sorted(path for path in self.store.rglob("*") if path.is_file())

    def terminate(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


def ulpool_command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pool", *map(str, arguments)]


def ulpool(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        ulpool_command(*arguments), capture_output=True, text=True, timeout=DEADLINE, check=False, cwd=cwd
    )


@contextmanager
def server(
    store: Path,
    *options: object,
    bind: str | None = "127.0.0.1:0",
    prefix: tuple[str, ...] = (),
    cwd: Path | None = None,
    **popen: Any,
) -> Iterator[RunningServer]:
    """A server that stores into `store`. `prefix` is a command to run it under, such as strace.

    Without `bind`, a configuration file says where it listens.
    """
    with tempfile.TemporaryDirectory(prefix="ulpool-") as control:  # short: a socket's path has 107 bytes
        given = ("--log-format", "text", "-od", store, "--control", control)
        command = ulpool_command("serve", *(("--bind", bind) if bind else ()), *given, *options)
        process = subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            **popen,
        )
        running = RunningServer(process, store, Path(control))
        try:
            running.wait_until_ready()
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(DEADLINE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            running.close()
