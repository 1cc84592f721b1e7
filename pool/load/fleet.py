"""The fleet: a plan carried out by several generator processes, their start line, and what they measured put together.

Belongs here: processes, the messages between them and us, and the intervals of all of them merged. Not here: what a
generator does (`generator`), or what is shown of it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Final

from pool import interpreter
from pool.control import Body, ControlDirectory, workers_router
from pool.load import process
from pool.load.plan import Plan
from pool.load.tally import Acknowledged, Interval, Run, Tally
from pool.loop import EPOLLIN, Loop

_START_LINE: Final = 0.05  # seconds from the last generator's being ready
_START_TIMEOUT: Final = 120.0  # seconds for a generator to build its instances and open its associations
_LAST_WORDS: Final = 3.0  # seconds that a generator has to stop

OnInterval = Callable[[Interval], "str | None"]
OnPrepared = Callable[[], object]


class FleetError(Exception):
    """The plan could not be begun, in words for whoever asked for it."""


def run(plan: Plan, on_interval: OnInterval, on_prepared: OnPrepared = lambda: None) -> Run:
    """Carry out `plan`; blocks. About once a second `on_interval` is called; a text that it returns stops the run.

    `on_prepared` is called before, when all that is to be open at the start line is, and takes the time that it takes.

    SIGINT and SIGTERM stop it at once and in order, where this is the main thread; a second one kills.
    Raises FleetError.
    """
    with tempfile.TemporaryDirectory(prefix="ulpool-load-") as directory:
        fleet = Fleet(plan, on_interval, on_prepared, Path(directory))
        try:
            return fleet.run()
        finally:
            fleet.close()


class _Generator:
    """One generator process, as the fleet sees it."""

    def __init__(self, number: int, popen: subprocess.Popen[bytes]) -> None:
        self.number = number
        self.popen = popen
        self.pidfd = os.pidfd_open(popen.pid)
        self.prepared = False
        self.finished = False
        self.intervals: list[Body] = []  # that others have not told of yet

    @property
    def identity(self) -> bytes:
        return b"%d" % self.number


class Fleet:
    """The processes of one run."""

    def __init__(self, plan: Plan, on_interval: OnInterval, on_prepared: OnPrepared, directory: Path) -> None:
        # A process without an association of its own would have nothing to do with its share of the messages.
        self._plan = plan = replace(plan, processes=min(plan.processes, plan.associations))
        self._on_interval = on_interval
        self._on_prepared = on_prepared
        self._loop = Loop()
        self._directory = ControlDirectory.open(directory)
        self._router = workers_router(self._loop, self._directory, self._told)
        self._generators: dict[bytes, _Generator] = {}
        self._error = ""
        self._stopped = ""
        self._failures: list[str] = []
        self._began = False
        self._tally, self._background = Tally(), Tally()
        self._cpu: list[float] = [0.0] * plan.processes
        self._seconds = 0.0
        self._acknowledged: list[Acknowledged] = []

    def run(self) -> Run:
        """Start everybody, wait for them, and say what they measured."""
        _check_file_limit(self._plan)
        for number in range(self._plan.processes):
            self._start(number)
        for signum in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not the main thread
                self._loop.on_signal(signum, self._interrupted)
        self._loop.call_at(self._loop.now + _START_TIMEOUT, self._not_prepared)
        self._loop.run()
        if self._error:
            raise FleetError(self._error)
        shares = tuple(cpu / self._seconds if self._seconds else 0.0 for cpu in self._cpu)
        return Run(
            seconds=self._seconds,
            tally=self._tally,
            background=self._background,
            cpu_seconds=sum(self._cpu),
            cpu_shares=shares,
            stopped=self._stopped,
            failures=tuple(self._failures),
            acknowledged=tuple(self._acknowledged),
        )

    def close(self) -> None:
        """End every process that is left."""
        for generator in self._generators.values():
            if generator.popen.poll() is None:
                generator.popen.kill()
            generator.popen.wait()
            assert generator.popen.stdin is not None
            generator.popen.stdin.close()
            os.close(generator.pidfd)
        self._router.close()
        self._directory.close()
        self._loop.close()

    # -- processes

    def _start(self, number: int) -> None:
        popen = subprocess.Popen(
            interpreter.command("pool.load.process", str(self._directory.path), str(number)),
            stdin=subprocess.PIPE,
        )
        generator = _Generator(number, popen)
        self._generators[generator.identity] = generator
        self._loop.register(generator.pidfd, EPOLLIN, lambda events: self._ended(generator))
        assert popen.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is told by its pidfd
            popen.stdin.write(self._plan.to_json().encode() + b"\n")
            popen.stdin.flush()

    def _ended(self, generator: _Generator) -> None:
        self._loop.unregister(generator.pidfd)
        status = generator.popen.wait()
        if not generator.finished:
            words = f"generator {generator.number} ended with status {status}; what it had not told yet is lost"
            self._failures.append(words)
            if not self._began:
                self._error = self._error or words
                self._loop.stop()
                return
            generator.finished = True
            self._merge()
            self._leave_if_finished()

    def _interrupted(self) -> None:
        if self._stopped or not self._began:
            self._error = "" if self._began else "interrupted before the start line"
            self._loop.stop()
        else:
            self.stop("interrupted")

    def _not_prepared(self) -> None:
        if not self._began:
            self._error = f"the generators were not ready within {_START_TIMEOUT:g} s"
            self._loop.stop()

    # -- messages

    def _told(self, message: Body, identity: bytes) -> None:
        generator = self._generators[identity]
        kind = message["type"]
        if kind == process.PREPARED.type:
            generator.prepared = True
            self._begin_if_prepared()
        elif kind == process.MEASURED.type:
            generator.intervals.append(message)
            self._merge()
        elif kind == process.FINISHED.type:
            generator.finished = True
            self._router.send(process.LEAVE(), identity)
            self._merge()
            self._leave_if_finished()
        elif kind == process.HOPELESS.type:
            self.stop(f"no association was accepted: {message['reason']}")
        elif kind == process.UNFIT.type:
            self._error = message["reason"]
            self._loop.stop()

    def _begin_if_prepared(self) -> None:
        if not self._began and all(generator.prepared for generator in self._generators.values()):
            self._began = True
            self._on_prepared()
            self._send_all(process.BEGIN(at=monotonic() + _START_LINE))

    def stop(self, why: str) -> None:
        """End it at once, in order."""
        if self._stopped:
            return
        self._stopped = why
        self._send_all(process.STOP())
        self._loop.call_at(self._loop.now + _LAST_WORDS, self._loop.stop)

    def _send_all(self, message: Body) -> None:
        for generator in self._generators.values():
            if not generator.finished:
                self._router.send(message, generator.identity)

    def _leave_if_finished(self) -> None:
        if all(generator.finished for generator in self._generators.values()):
            self._loop.stop()

    # -- intervals

    def _merge(self) -> None:
        """Put together what every generator that goes on has told of."""
        while True:
            told = [generator for generator in self._generators.values() if generator.intervals]
            waited_for = [generator for generator in self._generators.values() if not generator.finished]
            if not told or any(not generator.intervals for generator in waited_for):
                return
            self._put_together({generator.number: generator.intervals.pop(0) for generator in told})

    def _put_together(self, intervals: dict[int, Body]) -> None:
        tally, background = Tally(), Tally()
        active = background_active = 0
        shares = [0.0] * self._plan.processes
        for number, interval in intervals.items():
            of_process = Tally.from_bytes(interval["tally"])
            tally.add(of_process)
            background.add(Tally.from_bytes(interval["background"]))
            active += interval["active"][0]
            background_active += interval["active"][1]
            self._cpu[number] += of_process.cpu_seconds
            shares[number] = of_process.cpu_seconds / max(interval["end"] - interval["start"], 1e-3)
            self._acknowledged += [Acknowledged(*numbers) for numbers in interval["acknowledged"]]
        start = min(interval["start"] for interval in intervals.values())
        end = max(interval["end"] for interval in intervals.values())
        self._seconds = max(self._seconds, end)
        self._tally.add(tally)
        self._background.add(background)
        why = self._on_interval(Interval(start, end, tally, background, active, background_active, tuple(shares)))
        if why:
            self.stop(why)


def _check_file_limit(plan: Plan) -> None:
    """Raises FleetError where a process may not have as many connections as it is to make."""
    needed = process.descriptors_for(plan)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if needed > hard:
        raise FleetError(
            f"each of {plan.processes} processes needs {needed} descriptors and the hard limit is {hard}: use more "
            "processes, or raise it (ulimit -Hn as root; LimitNOFILE= under systemd)"
        )
