"""The workforce: worker processes, started, watched, replaced and let go.

One rule does most of it: *make the number right*, called whenever a worker may be missing. Each worker has a slot; a
slot wants one when nobody serves in it, or when who does is to be replaced: then the successor starts first. All slots
belong to a generation, the workers that were started with the same settings. A reload is a second generation that
starts beside the first; when all of it is ready it is in force, and should one of it die before, nothing has changed.

A worker is a fresh process (never a fork: nothing of this one leaks into it), its death is its pidfd becoming readable,
its health the answer to a ping. Which connections it holds is written down here and decided in `reception`.

Crash loops: a worker that dies is replaced at once. After `_AT_ONCE` deaths in a row, each with less than `_STEADY`
seconds of life, its slot waits, twice as long each time. Until one worker was ready nothing is retried: when all of
the first ones are dead, nothing this process could do would help.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol

from pool import logs, messages
from pool.acceptor import worker_process
from pool.acceptor.worker_process import Generation, Slot, WorkerProcess
from pool.config import Settings
from pool.control import Body, ControlDirectory, workers_router
from pool.handoff import Record
from pool.loop import EPOLLIN, Loop, TimerHandle

BEATS: Final = 3  # pings that fit into --timeout
STOP_TIMEOUT: Final = 2.0  # seconds a worker has from STOP to its end
ANSWER_TIMEOUT: Final = 0.5  # seconds that a question to all workers waits for the slowest

_AT_ONCE: Final = 3
_STEADY: Final = 30.0  # seconds
_LONGEST_DELAY: Final = 30.0  # seconds
_START_TIMEOUT: Final = 30.0  # seconds that a worker has to become ready, where --timeout is not longer still
_SPAWN_RETRY: Final = 0.5  # seconds

Answers = dict[int, Body]


def respawn_delay(early_deaths: int) -> float:
    """Seconds before a slot is filled again after so many early deaths in a row."""
    if early_deaths <= _AT_ONCE:
        return 0.0
    return min(0.5 * 2.0 ** min(early_deaths - _AT_ONCE - 1, 16), _LONGEST_DELAY)


class Employer(Protocol):
    """Who has the workforce, and is told what becomes of it."""

    def worker_ready(self, worker: WorkerProcess) -> object:
        """It can be handed connections."""

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> object:
        """Records came from it."""

    def worker_told(self, worker: WorkerProcess, message: Body) -> object:
        """A message came from it that is not the workforce's own business."""

    def worker_drained(self, worker: WorkerProcess) -> object:
        """Its hand-off socket was full and is not so any more."""

    def worker_gone(self, worker: WorkerProcess, how: str) -> object:
        """It is dead and all it sent was given to `worker_sent`. What it holds unacknowledged can be handed on."""

    def workers_beat(self) -> object:
        """Once per beat, when all counters are fresh."""

    def workforce_gone(self) -> object:
        """No worker is left and none will be started: after a stop, or because none could start."""


class _Question:
    """A message to all workers that wants an answer, until all have answered or it takes too long."""

    def __init__(self, number: int, awaited: set[int], answered: Callable[[Answers], object]) -> None:
        self.number = number
        self.awaited = awaited
        self.answered = answered
        self.answers: Answers = {}
        self.timer: TimerHandle | None = None


class _Renewal:
    """A generation that starts beside the one in force. `enact()` is called in the moment it takes over, `done(fault)`
    afterwards; or, with what was wrong, when it will not."""

    def __init__(self, generation: Generation, enact: Callable[[], object], done: Callable[[str], object]) -> None:
        self.generation = generation
        self.enact = enact
        self.done = done


class Workforce:
    """All workers."""

    def __init__(self, loop: Loop, settings: Settings, directory: ControlDirectory, employer: Employer) -> None:
        self.workers: dict[int, WorkerProcess] = {}
        self.restarts: Counter[str] = Counter()  # workers that went while the server stayed, by reason
        self.generation = Generation(1, settings)
        self.generation.in_force = True
        self._loop = loop
        self._employer = employer
        self._router = workers_router(loop, directory, self._message)
        self._by_identity: dict[bytes, WorkerProcess] = {}
        self._numbers = count(1)
        self._question_numbers = count(1)
        self._questions: dict[int, _Question] = {}
        self._renewal: _Renewal | None = None
        self._one_was_ready = False
        self._stopping = False
        self._beat_due = loop.now
        self._beat_timer: TimerHandle | None = None
        self._kill_timer: TimerHandle | None = None

    @property
    def complete(self) -> bool:
        """Every slot has a worker that takes connections."""
        return self.generation.complete

    def start(self) -> None:
        """Start all workers, and the beat."""
        self._make_the_number_right()
        self._schedule_beat()

    def tell(self, message: Body, *workers: WorkerProcess) -> None:
        """Send a message to these workers, or to all that are ready."""
        for worker in workers or self.workers.values():
            if worker.ready_at is not None:
                self._router.send(message, worker.identity)

    def close(self) -> None:
        """After the end of all workers."""
        for timer in (self._beat_timer, self._kill_timer):
            if timer is not None:
                timer.cancel()
        self._router.close()

    # The number of workers

    def _make_the_number_right(self) -> None:
        for slot in self.generation.slots:
            if slot.wants_one and not self._stopping:
                try:
                    self._spawn(slot)
                except OSError as error:  # no descriptor or no process to be had; connections may have taken them
                    if not self._one_was_ready:
                        raise
                    logs.event(logs.ERROR, "worker.not_started", reason=error.strerror)
                    self._fill_later(slot, _SPAWN_RETRY)

    def _spawn(self, slot: Slot) -> None:
        number = next(self._numbers)
        worker = worker_process.start(
            number, slot, self._loop, self._employer.worker_sent, self._employer.worker_drained
        )
        slot.successor = self.workers[number] = self._by_identity[worker.identity] = worker
        self._loop.register(worker.pidfd, EPOLLIN, lambda events: self._reap(worker))
        logs.event(logs.DEBUG, "worker.started", worker=number, pid=worker.process.pid, generation=worker.generation)

    def _ready(self, worker: WorkerProcess) -> None:
        worker.ready_at = self._loop.now
        worker.unanswered = 0
        replaces = worker.slot.was_filled  # whose end was told; the others are summed up by who asked for them
        level = logs.INFO if replaces else logs.DEBUG
        logs.event(level, "worker.ready", worker=worker.number, pid=worker.process.pid)
        if worker.slot.abolished or self._stopping:
            return  # it was told to go while it was on its way
        predecessor = worker.slot.take_over()
        if self._renewal is not None and worker.slot.generation is self._renewal.generation:
            if self._renewal.generation.complete:
                self._enact(self._renewal)
            return
        if not self._one_was_ready:
            self._one_was_ready = True
            self._make_the_number_right()
        self._employer.worker_ready(worker)
        if predecessor is not None:
            worker.slot.early_deaths = 0
            self._retire(predecessor, predecessor.reason)

    def _reap(self, worker: WorkerProcess) -> None:
        self._loop.unregister(worker.pidfd)
        os.close(worker.pidfd)
        exit_status = worker.process.wait()  # does not: it is dead
        worker.channel.read()  # all it ever sent, so that what it acknowledged is known
        worker.channel.close()
        del self.workers[worker.number], self._by_identity[worker.identity]
        for question in list(self._questions.values()):
            self._answered(question, worker)
        wanted = worker.slot.holds(worker) and not self._stopping
        expected = not wanted and (exit_status == 0 or worker.ready_at is None)
        if not expected and worker.reason != messages.STUCK:
            worker.reason = messages.DIED
        worker.slot.left_by(worker)
        logs.event(
            logs.DEBUG if expected else logs.ERROR,
            "worker.exited",
            worker=worker.number,
            pid=worker.process.pid,
            how=_how(exit_status),
            reason=worker.reason or None,
            connections=len(worker.connections),
        )
        if not self._stopping and self._one_was_ready and worker.slot.generation.in_force:
            self.restarts[worker.reason] += 1
        self._employer.worker_gone(worker, _how(exit_status))
        if wanted:
            self._replace(worker, exit_status)
        if not self.workers and (self._stopping or not self._one_was_ready):
            self._employer.workforce_gone()

    def _replace(self, worker: WorkerProcess, exit_status: int) -> None:
        slot = worker.slot
        if self._renewal is not None and slot.generation is self._renewal.generation:
            self._give_up(f"worker {worker.number} did not start: {_how(exit_status)}; what it said is in the log")
            return
        lived = 0.0 if worker.ready_at is None else self._loop.now - worker.ready_at
        slot.early_deaths = 0 if lived >= _STEADY else slot.early_deaths + 1
        if not self._one_was_ready:
            return
        delay = respawn_delay(slot.early_deaths)
        if delay and slot.successor is None:
            logs.event(
                logs.ERROR, "worker.crash_loop", worker=worker.number, deaths=slot.early_deaths, next_start_in=delay
            )
            self._fill_later(slot, delay)
        self._make_the_number_right()

    def _fill_later(self, slot: Slot, delay: float) -> None:
        def fill() -> None:
            slot.retry = None
            self._make_the_number_right()

        slot.retry = self._loop.call_at(self._loop.now + delay, fill)

    def scale(self, number: int) -> None:
        """Have so many. Those that hold the least go first, and let their associations end."""
        slots = self.generation.slots
        while len(slots) > number:
            least = min(slots, key=lambda slot: len(slot.worker.connections) if slot.worker is not None else -1)
            slots.remove(least)
            self._abolish(least, messages.SCALED)
        slots += [Slot(self.generation) for _ in range(number - len(slots))]
        self._make_the_number_right()

    def recycle(self, worker: WorkerProcess, reason: str) -> None:
        """Replace a worker that serves: its successor starts first."""
        if worker.serves and not worker.reason and not self._stopping:
            worker.reason = reason
            logs.event(
                logs.INFO,
                "worker.recycled",
                worker=worker.number,
                pid=worker.process.pid,
                reason=reason,
                served=worker.served,
                memory=worker.memory,
            )
            self._make_the_number_right()

    # The next generation

    def renew(self, settings: Settings, enact: Callable[[], object], done: Callable[[str], object]) -> None:
        """Start workers with other settings beside those that serve; when all are ready, they do."""
        generation = Generation(self.generation.number + 1, settings)
        self._renewal = _Renewal(generation, enact, done)
        try:
            for slot in generation.slots:
                self._spawn(slot)
        except OSError as error:
            self._give_up(f"no worker can be started: {error.strerror}")

    def _enact(self, renewal: _Renewal) -> None:
        self._renewal = None
        renewal.enact()
        former, self.generation = self.generation, renewal.generation
        self.generation.in_force = True
        for slot in former.slots:
            self._abolish(slot, messages.RELOADED)
        for slot in self.generation.slots:
            if slot.worker is not None:
                self._employer.worker_ready(slot.worker)
        renewal.done("")

    def _give_up(self, fault: str) -> None:
        renewal, self._renewal = self._renewal, None
        assert renewal is not None
        for slot in renewal.generation.slots:
            self._abolish(slot, messages.RELOADED)
        renewal.done(fault)

    # Their health

    def ask_counters(self, answered: Callable[[], object], timeout: float = ANSWER_TIMEOUT) -> None:
        """Call `answered()` when every ready worker has sent its counters, or after `timeout` seconds."""
        self.ask(messages.PING, lambda answers: answered(), timeout)

    def ask(
        self, question: messages.Message, answered: Callable[[Answers], object], timeout: float = ANSWER_TIMEOUT
    ) -> None:
        """Ask every ready worker; `answered` gets the answers by its number, after `timeout` seconds at the latest."""
        ready = {number for number, worker in self.workers.items() if worker.ready_at is not None}
        asked = _Question(next(self._question_numbers), ready, answered)
        self._questions[asked.number] = asked
        self.tell(question(number=asked.number))
        asked.timer = self._loop.call_at(self._loop.now + timeout, lambda: self._close_question(asked))
        if not ready:
            self._close_question(asked)

    def _answered(self, question: _Question, worker: WorkerProcess) -> None:
        question.awaited.discard(worker.number)
        if not question.awaited:
            self._close_question(question)

    def _close_question(self, question: _Question) -> None:
        if self._questions.pop(question.number, None) is not None:
            if question.timer is not None:
                question.timer.cancel()
            question.answered(question.answers)

    def _schedule_beat(self) -> None:
        self._beat_due = self._loop.now + self.generation.settings.timeout / BEATS
        self._beat_timer = self._loop.call_at(self._beat_due, self._beat)

    def _beat(self) -> None:
        """Kill who left the last `BEATS` pings unanswered or does not become ready, replace who grew, and ping all.

        When this process was itself stopped for a while, the answers may not have been read yet: it only pings again.
        """
        interval = self.generation.settings.timeout / BEATS
        late = self._loop.now - self._beat_due > interval / 2
        for worker in () if late else self.workers.values():
            if fault := self._what_is_stuck(worker):
                logs.event(logs.ERROR, "worker.stuck", worker=worker.number, pid=worker.process.pid, reason=fault)
                worker.reason = messages.STUCK
                worker.kill()
            worker.unanswered += 1
        for worker in list(self.workers.values()):
            if 0 < worker.slot.generation.settings.max_memory < worker.memory:
                self.recycle(worker, messages.MEMORY)
        self.ask_counters(self._employer.workers_beat, timeout=interval / 2)
        self._schedule_beat()

    def _what_is_stuck(self, worker: WorkerProcess) -> str:
        timeout = self.generation.settings.timeout
        if worker.ready_at is None:  # a start is imports and a disk, of which --timeout says nothing
            longest = max(timeout, _START_TIMEOUT)
            return f"not ready after {longest:g} s" if self._loop.now >= worker.started_at + longest else ""
        return f"no answer for {timeout:g} s" if worker.unanswered >= BEATS else ""

    # What they say

    def _message(self, message: Body, identity: bytes) -> None:
        worker = self._by_identity.get(identity)
        fault = messages.fault_of(message)
        if worker is None or fault is not None:  # a worker of a server that died before us still finishes what it has
            logs.event(logs.DEBUG, "control.ignored", sender=identity, fault=fault)
        elif message["type"] == messages.READY.type:
            self._ready(worker)
        elif "number" in message:
            self._answer(worker, message)
        else:
            self._employer.worker_told(worker, message)

    def _answer(self, worker: WorkerProcess, message: Body) -> None:
        worker.unanswered = 0
        if message["type"] == messages.PONG.type:
            worker.counters = message["counters"]
        question = self._questions.get(message["number"])
        if question is not None:
            question.answers[worker.number] = message
            self._answered(question, worker)

    # Letting them go

    def _abolish(self, slot: Slot, reason: str) -> None:
        """Nobody is wanted here any more."""
        slot.abolished = True
        if slot.retry is not None:
            slot.retry.cancel()
        for worker in (slot.successor, slot.worker):
            if worker is not None:
                self._retire(worker, reason)

    def _retire(self, worker: WorkerProcess, reason: str) -> None:
        """It gets nobody any more. What it holds goes on, those too that have not asked for an association yet: a
        transfer is not cut short because another worker takes over. Who is idle is not waited for."""
        worker.reason = worker.reason or reason
        if worker.ready_at is None or not worker.slot.generation.in_force:
            worker.kill()  # it holds nothing
            return
        self.tell(messages.DRAIN(), worker)
        self.let_go_if_empty(worker)

    def let_go_if_empty(self, worker: WorkerProcess) -> None:
        """Let it leave, if it gets nobody any more and holds nothing."""
        if not worker.serves and not worker.connections and worker.channel.open:
            worker.channel.half_close()

    def drain(self) -> None:
        """Let every worker finish its operations and leave."""
        self._let_all_go(messages.DRAIN())

    def stop(self) -> None:
        """Have every worker abort its associations and leave; after STOP_TIMEOUT, SIGKILL."""
        self._let_all_go(messages.STOP(now=True))
        if self._kill_timer is None:
            self._kill_timer = self._loop.call_at(self._loop.now + STOP_TIMEOUT, self._kill)

    def _let_all_go(self, message: Body) -> None:
        self._stopping = True
        if self._renewal is not None:
            self._give_up("the server stops")
        for slot in self.generation.slots:
            if slot.retry is not None:
                slot.retry.cancel()
        for worker in self.workers.values():
            worker.channel.half_close()
            if worker.ready_at is None:
                worker.kill()  # it holds nothing
        self.tell(message)
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
