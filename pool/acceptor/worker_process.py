"""A worker process as the acceptor sees it: its start, what it holds, what it is there for.

Belongs here: one process, its place among the others (`Slot`), and the settings that some of them were started with
(`Generation`). How many there are, and which of them has to go, is for `workforce` to decide.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pool import interpreter
from pool.config import Bind, Settings
from pool.handoff import Channel, Record, socketpair
from pool.loop import Loop, TimerHandle
from pool.stats import Snapshot

_WORKER_CODE: Final = interpreter.code("pool.worker.process")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")  # bytes


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

    def __init__(self, token: int, listener: Bind, fd: int, host: str, port: int, accepted_at: float) -> None:
        self.token = token
        self.listener = listener  # where it was accepted
        self.fd: int | None = fd  # our copy, until a worker acknowledged
        self.host = host
        self.port = port
        self.accepted_at = accepted_at
        self.expired = False  # it lost its place as a pending one
        self.admitted_at: float | None = None
        self.calling_ae_title = ""
        self.called_ae_title = ""
        self.worker: WorkerProcess | None = None


class Generation:
    """The workers that were started with the same settings; a reload begins the next one."""

    def __init__(self, number: int, settings: Settings) -> None:
        self.number = number
        self.settings = settings
        self.slots = [Slot(self) for _ in range(settings.workers)]
        self.in_force = False  # its workers may be given connections

    @property
    def complete(self) -> bool:
        """Every slot has a worker that takes connections."""
        return all(slot.worker is not None for slot in self.slots)


class Slot:
    """A worker's place, which outlives the worker: there is one who serves, and one who starts to take over."""

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.worker: WorkerProcess | None = None
        self.successor: WorkerProcess | None = None  # not ready yet
        self.early_deaths = 0
        self.retry: TimerHandle | None = None
        self.was_filled = False  # somebody served here, once
        self.abolished = False  # nobody is wanted here any more

    @property
    def wants_one(self) -> bool:
        """Nobody serves here, or who does is to be replaced; and nobody starts or is about to."""
        vacant = self.worker is None or self.worker.reason
        return bool(vacant) and self.successor is None and self.retry is None and not self.abolished

    def take_over(self) -> WorkerProcess | None:
        """The successor is ready: it serves. Returns who did so before."""
        predecessor, self.worker, self.successor = self.worker, self.successor, None
        self.was_filled = True
        return predecessor

    def holds(self, worker: WorkerProcess) -> bool:
        """Whether this is still its place."""
        return not self.abolished and worker in (self.worker, self.successor)

    def left_by(self, worker: WorkerProcess) -> None:
        """It is dead."""
        if self.worker is worker:
            self.worker = None
        elif self.successor is worker:
            self.successor = None


class WorkerProcess:
    """One worker process."""

    def __init__(
        self, number: int, slot: Slot, process: subprocess.Popen[bytes], pidfd: int, channel: Channel, now: float
    ) -> None:
        settings = slot.generation.settings
        self.number = number  # never used twice
        self.slot = slot
        self.generation = slot.generation.number
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
        self.served = 0  # associations admitted
        self.quota = settings.max_requests and settings.max_requests + random.randint(0, settings.max_requests_jitter)
        self.reason = ""  # why it has to go, one of `messages.REASONS`

    @property
    def identity(self) -> bytes:
        """Its name on the control socket: the process id. Workers of a server that died before us have other ones."""
        return b"%d" % self.process.pid

    @property
    def serves(self) -> bool:
        """It has its place, so that newcomers may be given to it: neither waiting for it, nor on its way out."""
        return self.slot.worker is self and not self.slot.abolished and self.slot.generation.in_force

    @property
    def can_take(self) -> bool:
        """Whether a connection can be handed to it now."""
        return self.serves and self.channel.open and not self.channel.full and not self.table_full

    @property
    def state(self) -> str:
        if self.ready_at is None:
            return "starting"
        if not self.serves or not self.channel.open:
            return "leaving"
        return "full" if self.table_full or self.channel.full else "ready"

    @property
    def memory(self) -> int:
        """Bytes of it that are resident now."""
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):  # dead, and its pidfd about to say so
            return 0

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # the same
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


def start(
    number: int,
    slot: Slot,
    loop: Loop,
    on_records: Callable[[WorkerProcess, list[Record]], object],
    on_drained: Callable[[WorkerProcess], object],
) -> WorkerProcess:
    """A fresh worker process, with the settings of its slot's generation. Raises OSError."""
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
        pipe.write(slot.generation.settings.to_json().encode())
    channel = Channel(
        loop,
        ours,
        on_records=lambda records, fds: on_records(worker, records),
        on_eof=lambda: None,  # the end of the process is what counts
        on_drained=lambda: on_drained(worker),
    )
    worker = WorkerProcess(number, slot, process, pidfd, channel, loop.now)  # before anything comes: the loop is ours
    return worker
