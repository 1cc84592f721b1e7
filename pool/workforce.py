"""The workforce: worker processes, started, watched, replaced and let go.

One rule does most of it: *make the number right*, called whenever a worker may be missing. A worker is a fresh process
(never a fork: nothing of this one leaks into it), its death is its pidfd becoming readable, its health the answer to a
ping. Which connections it holds is written down here and decided in `reception`.

Crash loops: a worker that dies is replaced at once. After `_AT_ONCE` deaths in a row, each with less than `_STEADY`
seconds of life, its slot waits, twice as long each time. Until one worker was ready nothing is retried: when all of
the first ones are dead, nothing this process could do would help.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

from pool import interpreter, logs, messages
from pool.config import Settings
from pool.control import Body, ControlDirectory, workers_router
from pool.handoff import Channel, Record, socketpair
from pool.loop import EPOLLIN, Loop, TimerHandle
from pool.stats import Snapshot

BEATS: Final = 3  # pings that fit into --timeout
STOP_TIMEOUT: Final = 2.0  # seconds a worker has from STOP to its end
ANSWER_TIMEOUT: Final = 0.5  # seconds that a question to all workers waits for the slowest

_AT_ONCE: Final = 3
_STEADY: Final = 30.0  # seconds
_LONGEST_DELAY: Final = 30.0  # seconds
_START_TIMEOUT: Final = 30.0  # seconds that a worker has to become ready, where --timeout is not longer still
_SPAWN_RETRY: Final = 0.5  # seconds

_WORKER_CODE: Final = interpreter.code("pool.worker")


def respawn_delay(early_deaths: int) -> float:
    """Seconds before a slot is filled again after so many early deaths in a row."""
    if early_deaths <= _AT_ONCE:
        return 0.0
    return min(0.5 * 2.0 ** min(early_deaths - _AT_ONCE - 1, 16), _LONGEST_DELAY)


class HeldConnection:
    """A connection from its accept to its end, as the acceptor knows it."""

    __slots__ = (
        "accepted_at",
        "admitted_at",
        "called_ae_title",
        "calling_ae_title",
        "expired",
        "fd",
        "host",
        "listener",
        "port",
        "token",
        "worker",
    )

    def __init__(self, token: int, listener: int, fd: int, host: str, port: int, accepted_at: float) -> None:
        self.token = token
        self.listener = listener
        self.fd: int | None = fd  # our copy, until a worker acknowledged
        self.host = host
        self.port = port
        self.accepted_at = accepted_at
        self.expired = False  # it lost its place as a pending one
        self.admitted_at: float | None = None
        self.calling_ae_title = ""
        self.called_ae_title = ""
        self.worker: WorkerProcess | None = None


class Slot:
    """A worker's place, which outlives the worker."""

    def __init__(self) -> None:
        self.worker: WorkerProcess | None = None
        self.early_deaths = 0
        self.retry: TimerHandle | None = None


class WorkerProcess:
    """One worker process, as the acceptor sees it."""

    def __init__(
        self, number: int, slot: Slot, process: subprocess.Popen[bytes], pidfd: int, channel: Channel, now: float
    ) -> None:
        self.number = number  # never used twice
        self.slot = slot
        self.process = process
        self.pidfd = pidfd
        self.channel = channel
        self.started_at = now
        self.ready_at: float | None = None
        self.unanswered = 0  # beats
        self.counters: Snapshot = {}
        self.connections: dict[int, HeldConnection] = {}
        self.table_full = False  # it refused a connection for want of descriptors, and closed none since
        self.picked = 0  # when it was last chosen, in numbers of choices

    @property
    def identity(self) -> bytes:
        """Its name on the control socket: the process id. Workers of a server that died before us have other ones."""
        return b"%d" % self.process.pid

    @property
    def can_take(self) -> bool:
        """Whether a connection can be handed to it now."""
        return self.ready_at is not None and self.channel.open and not self.channel.full and not self.table_full

    @property
    def state(self) -> str:
        if self.ready_at is None:
            return "starting"
        if not self.channel.open:
            return "leaving"
        return "full" if self.table_full or self.channel.full else "ready"

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # dead, and its pidfd about to say so
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class Employer(Protocol):
    """Who has the workforce, and is told what becomes of it."""

    def worker_ready(self, worker: WorkerProcess) -> object:
        """It can be handed connections."""

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> object:
        """Records came from it."""

    def worker_drained(self, worker: WorkerProcess) -> object:
        """Its hand-off socket was full and is not so any more."""

    def worker_gone(self, worker: WorkerProcess) -> object:
        """It is dead and all it sent was given to `worker_sent`. What it holds unacknowledged can be handed on."""

    def workers_beat(self) -> object:
        """Once per beat, when all counters are fresh."""

    def workforce_gone(self) -> object:
        """No worker is left and none will be started: after a stop, or because none could start."""


class _Question:
    """A ping to all workers, until all have answered or it takes too long."""

    def __init__(self, number: int, awaited: set[int], answered: Callable[[], object]) -> None:
        self.number = number
        self.awaited = awaited
        self.answered = answered
        self.timer: TimerHandle | None = None


class Workforce:
    """All workers."""

    def __init__(self, loop: Loop, settings: Settings, directory: ControlDirectory, employer: Employer) -> None:
        self.workers: dict[int, WorkerProcess] = {}
        self.restarts = 0
        self._loop = loop
        self._settings = settings
        self._employer = employer
        self._router = workers_router(loop, directory, self._message)
        self._slots = [Slot() for _ in range(settings.workers)]
        self._by_identity: dict[bytes, WorkerProcess] = {}
        self._numbers = count(1)
        self._question_numbers = count(1)
        self._questions: dict[int, _Question] = {}
        self._one_was_ready = False
        self._stopping = False
        self._beat_due = loop.now
        self._beat_timer: TimerHandle | None = None
        self._stop_timer: TimerHandle | None = None

    @property
    def complete(self) -> bool:
        """Every slot has a worker that is ready."""
        return all(slot.worker is not None and slot.worker.ready_at is not None for slot in self._slots)

    def start(self) -> None:
        """Start all workers, and the beat."""
        self._make_the_number_right()
        self._schedule_beat()

    def tell(self, message: Body) -> None:
        """Send a message to all workers that are ready."""
        for worker in self.workers.values():
            if worker.ready_at is not None:
                self._router.send(message, worker.identity)

    def close(self) -> None:
        """After the end of all workers."""
        for timer in (self._beat_timer, self._stop_timer):
            if timer is not None:
                timer.cancel()
        self._router.close()

    # The number of workers

    def _make_the_number_right(self) -> None:
        for slot in self._slots:
            if slot.worker is None and slot.retry is None and not self._stopping:
                try:
                    self._spawn(slot)
                except OSError as error:  # no descriptor or no process to be had; connections may have taken them
                    if not self._one_was_ready:
                        raise
                    logs.event(logs.ERROR, "worker.not_started", reason=error.strerror)
                    self._fill_later(slot, _SPAWN_RETRY)

    def _spawn(self, slot: Slot) -> None:
        ours, theirs = socketpair()
        try:
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-c", _WORKER_CODE, interpreter.OUR_FOLDER, str(theirs.fileno())],
                    stdin=subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is for this process, which knows what to do about the workers
                )
            pidfd = os.pidfd_open(process.pid)  # where this fails, it finds stdin and hand-off closed, and leaves
        except OSError:
            ours.close()
            raise
        # Smaller than a pipe's buffer: this does not wait for the reader, who may be dead already.
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # type: ignore[union-attr]
            pipe.write(self._settings.to_json().encode())
        channel = Channel(
            self._loop,
            ours,
            on_records=lambda records, fds: self._employer.worker_sent(worker, records),
            on_eof=lambda: None,  # the end of the process is what counts
            on_drained=lambda: self._employer.worker_drained(worker),
        )
        worker = WorkerProcess(next(self._numbers), slot, process, pidfd, channel, self._loop.now)
        slot.worker = self.workers[worker.number] = self._by_identity[worker.identity] = worker
        self._loop.register(worker.pidfd, EPOLLIN, lambda events: self._reap(worker))
        logs.event(logs.DEBUG, "worker.started", worker=worker.number, pid=process.pid)

    def _reap(self, worker: WorkerProcess) -> None:
        self._loop.unregister(worker.pidfd)
        os.close(worker.pidfd)
        exit_status = worker.process.wait()  # does not: it is dead
        worker.channel.read()  # all it ever sent, so that what it acknowledged is known
        worker.channel.close()
        del self.workers[worker.number], self._by_identity[worker.identity]
        worker.slot.worker = None
        for question in list(self._questions.values()):
            self._answered(question, worker)
        expected = self._stopping and (exit_status == 0 or worker.ready_at is None)
        logs.event(
            logs.DEBUG if expected else logs.ERROR,
            "worker.exited",
            worker=worker.number,
            pid=worker.process.pid,
            how=_how(exit_status),
            connections=len(worker.connections),
        )
        self._employer.worker_gone(worker)
        if not self._stopping:
            self._replace(worker)
        if not self.workers and (self._stopping or not self._one_was_ready):
            self._employer.workforce_gone()

    def _replace(self, worker: WorkerProcess) -> None:
        slot = worker.slot
        lived = 0.0 if worker.ready_at is None else self._loop.now - worker.ready_at
        slot.early_deaths = 0 if lived >= _STEADY else slot.early_deaths + 1
        if not self._one_was_ready:
            return
        self.restarts += 1
        delay = respawn_delay(slot.early_deaths)
        if delay:
            logs.event(logs.ERROR, "worker.crash_loop", deaths=slot.early_deaths, next_start_in=delay)
            self._fill_later(slot, delay)
        self._make_the_number_right()

    def _fill_later(self, slot: Slot, delay: float) -> None:
        def fill() -> None:
            slot.retry = None
            self._make_the_number_right()

        slot.retry = self._loop.call_at(self._loop.now + delay, fill)

    # Their health

    def ask_counters(self, answered: Callable[[], object], timeout: float = ANSWER_TIMEOUT) -> None:
        """Call `answered()` when every ready worker has sent its counters, or after `timeout` seconds."""
        ready = {number for number, worker in self.workers.items() if worker.ready_at is not None}
        question = _Question(next(self._question_numbers), ready, answered)
        self._questions[question.number] = question
        self.tell(messages.PING(number=question.number))
        question.timer = self._loop.call_at(self._loop.now + timeout, lambda: self._close_question(question))
        if not ready:
            self._close_question(question)

    def _answered(self, question: _Question, worker: WorkerProcess) -> None:
        question.awaited.discard(worker.number)
        if not question.awaited:
            self._close_question(question)

    def _close_question(self, question: _Question) -> None:
        if self._questions.pop(question.number, None) is not None:
            if question.timer is not None:
                question.timer.cancel()
            question.answered()

    def _schedule_beat(self) -> None:
        self._beat_due = self._loop.now + self._settings.timeout / BEATS
        self._beat_timer = self._loop.call_at(self._beat_due, self._beat)

    def _beat(self) -> None:
        """Kill who left the last `BEATS` pings unanswered or does not become ready, and ping all.

        When this process was itself stopped for a while, the answers may not have been read yet: it only pings again.
        """
        interval = self._settings.timeout / BEATS
        late = self._loop.now - self._beat_due > interval / 2
        for worker in () if late else self.workers.values():
            if self._is_stuck(worker):
                logs.event(logs.ERROR, "worker.stuck", worker=worker.number, pid=worker.process.pid)
                worker.kill()
            worker.unanswered += 1
        self.ask_counters(self._employer.workers_beat, timeout=interval / 2)
        self._schedule_beat()

    def _is_stuck(self, worker: WorkerProcess) -> bool:
        if worker.ready_at is None:  # a start is imports and a disk, of which --timeout says nothing
            return self._loop.now >= worker.started_at + max(self._settings.timeout, _START_TIMEOUT)
        return worker.unanswered >= BEATS

    # What they say

    def _message(self, message: Body, identity: bytes) -> None:
        worker = self._by_identity.get(identity)
        fault = messages.fault_of(message)
        if worker is None or fault is not None:  # a worker of a server that died before us still finishes what it has
            logs.event(logs.DEBUG, "control.ignored", sender=identity, fault=fault)
        elif message["type"] == messages.READY.type:
            self._ready(worker)
        elif message["type"] == messages.PONG.type:
            worker.unanswered = 0
            worker.counters = message["counters"]
            question = self._questions.get(message["number"])
            if question is not None:
                self._answered(question, worker)

    def _ready(self, worker: WorkerProcess) -> None:
        worker.ready_at = self._loop.now
        worker.unanswered = 0
        logs.event(logs.DEBUG, "worker.ready", worker=worker.number, pid=worker.process.pid)
        if not self._one_was_ready:
            self._one_was_ready = True
            self._make_the_number_right()
        self._employer.worker_ready(worker)

    # Letting them go

    def drain(self) -> None:
        """Let every worker finish its operations and leave; after --graceful-timeout, `stop`."""
        self._let_go(messages.DRAIN(), self._settings.graceful_timeout, self.stop)

    def stop(self) -> None:
        """Have every worker abort its associations and leave; after STOP_TIMEOUT, SIGKILL."""
        self._let_go(messages.STOP(now=True), STOP_TIMEOUT, self._kill)

    def _let_go(self, message: Body, timeout: float, then: Callable[[], object]) -> None:
        self._stopping = True
        for slot in self._slots:
            if slot.retry is not None:
                slot.retry.cancel()
        for worker in self.workers.values():
            worker.channel.half_close()
            if worker.ready_at is None:
                worker.kill()  # it holds nothing
        self.tell(message)
        if self._stop_timer is not None:
            self._stop_timer.cancel()
        self._stop_timer = self._loop.call_at(self._loop.now + timeout, then)
        if not self.workers:
            self._loop.call_soon(self._employer.workforce_gone)

    def _kill(self) -> None:
        for worker in self.workers.values():
            logs.event(logs.ERROR, "worker.killed", worker=worker.number, pid=worker.process.pid)
            worker.kill()


def _how(exit_status: int) -> str:
    if exit_status >= 0:
        return f"exit status {exit_status}"
    return f"signal {-exit_status} ({signal.strsignal(-exit_status)})"
