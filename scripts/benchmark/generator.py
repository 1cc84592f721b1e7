"""The load: processes with an epoll loop each, whose associations follow scripts.

A script is a Python generator of one lane (a seat for one socket at a time). It yields steps and is resumed with what
they led to: CONNECT with nothing, SEND with nothing once the bytes are gone, EXCHANGE with the next PDU. PARK is a
barrier: when every lane of the process is parked or has ended, the process reports what happened since the last one,
and waits for the word to go on. So the caller can look at the server's accounts exactly between two stages.

Nothing that goes wrong is left out: a script's PeerError, a connection lost, an answer that does not come are counted
by their text.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import select
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Final

from benchmark import wire
from benchmark.wire import Buffer, PeerError

CONNECT, SEND, EXCHANGE, PARK = range(4)
Step = tuple[int, list[Buffer]]
Pdu = tuple[int, bytes]
Script = Generator[Step, Pdu, None]

RECEIVE_SIZE: Final = 64 * 1024
MAXIMUM_FAILURES: Final = 100  # of one lane in one stage: what fails at once would otherwise fail a million times
NO_BOUND: Final = 1 << 62
REPORT_WITHIN: Final = 10.0  # seconds for a generator process to say what it did
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Task:
    """What one generator process does."""

    script: Callable[[Lane, Task], Script]
    port: int
    lanes: Sequence[int]  # their numbers, unique over all processes
    request: bytes  # the A-ASSOCIATE-RQ
    data_set: bytes = b""
    data_set_size: int = 0  # of a data set that is streamed: data_set is its head, the rest is made up
    warm_up: int = 0  # messages of each lane before the first barrier
    opening_at_a_time: int = 64
    patience: float = 10.0  # seconds for whatever is outstanding when a stage is over


@dataclass
class Report:
    """What happened in one process between two barriers."""

    parked: int = 0
    latencies: array[int] = field(default_factory=lambda: array("Q"))  # ns; one for each success
    failures: Counter[str] = field(default_factory=Counter)
    wall: float = 0.0  # seconds
    cpu: float = 0.0  # seconds of the busiest generator process
    total_cpu: float = 0.0  # seconds of all generator processes

    @classmethod
    def together(cls, reports: Sequence[Report]) -> Report:
        return cls(
            parked=sum(report.parked for report in reports),
            latencies=sum((report.latencies for report in reports), array("Q")),
            failures=sum((report.failures for report in reports), Counter()),
            wall=max(report.wall for report in reports),
            cpu=max(report.cpu for report in reports),
            total_cpu=sum(report.cpu for report in reports),
        )


# ---------------------------------------------------------------------------------------------------- scripts


def associate(lane: Lane, task: Task) -> Generator[Step, Pdu, wire.Accepted]:
    yield CONNECT, []
    return wire.read_associate_answer(*(yield EXCHANGE, [task.request]))


def release(lane: Lane) -> Script:
    pdu_type, body = yield EXCHANGE, [wire.A_RELEASE_RQ_PDU]
    wire.expect(pdu_type, wire.A_RELEASE_RP, body)
    lane.close()


def exchange(lane: Lane, message: wire.Message) -> Script:
    """One message, counted as done only with the status Success."""
    begun = time.monotonic_ns()
    pdu_type, body = yield EXCHANGE, message.next()
    status = message.check(pdu_type, body)
    lane.count(status, time.monotonic_ns() - begun)


def on_open_association(lane: Lane, task: Task) -> Script:
    """Associate, warm up; one message after the other; release."""
    message = _message(lane, task, (yield from associate(lane, task)))
    for _ in range(task.warm_up):
        yield from exchange(lane, message)
    yield PARK, []
    while lane.may_go_on():
        yield from exchange(lane, message)
    yield PARK, []
    yield from release(lane)


def _message(lane: Lane, task: Task, accepted: wire.Accepted) -> wire.Message:
    if not task.data_set:
        return wire.EchoMessage(wire.first_context(accepted))
    context_id = wire.first_context(accepted, wire.EXPLICIT_VR_LITTLE_ENDIAN)
    return wire.StoreMessage(_template(context_id, task.data_set, accepted.maximum_length), lane.number)


@lru_cache(maxsize=2)
def _template(context_id: int, data_set: bytes, maximum_length: int) -> wire.StoreTemplate:
    return wire.StoreTemplate(context_id, data_set, maximum_length)


def churn(lane: Lane, task: Task) -> Script:
    """Associate, echo, release, again and again, stage after stage; the latency is that of all three."""
    while True:
        while lane.may_go_on():
            try:
                yield from _visit(lane, task)
            except PeerError as error:
                lane.failed(str(error))
                lane.close()
        yield PARK, []


def _visit(lane: Lane, task: Task) -> Script:
    begun = time.monotonic_ns()
    accepted = yield from associate(lane, task)
    message = wire.EchoMessage(wire.first_context(accepted))
    status = message.check(*(yield EXCHANGE, message.next()))
    yield from release(lane)
    lane.count(status, time.monotonic_ns() - begun)


def idle(lane: Lane, task: Task) -> Script:
    """Associate and keep still; an echo at the end shows that the association was there all the time."""
    accepted = yield from associate(lane, task)
    yield PARK, []
    yield from exchange(lane, wire.EchoMessage(wire.first_context(accepted)))
    yield PARK, []


def silent(lane: Lane, task: Task) -> Script:
    """Connect and never say a word."""
    yield CONNECT, []
    yield PARK, []


def one_streamed_object(lane: Lane, task: Task) -> Script:
    """One C-STORE whose pixel data is the same fragment over and over: nothing of its size is ever held here."""
    accepted = yield from associate(lane, task)
    context_id = wire.first_context(accepted, wire.EXPLICIT_VR_LITTLE_ENDIAN)
    yield PARK, []
    begun = time.monotonic_ns()
    size = wire.fragment_size(accepted.maximum_length)
    whole, rest = divmod(task.data_set_size, size)
    fragment = wire.p_data(context_id, 0, bytes(size))
    head = wire.StoreTemplate(context_id, task.data_set, accepted.maximum_length, whole=False)
    message = wire.StoreMessage(head, lane.number)
    yield SEND, message.next()
    for _ in range(whole):
        yield SEND, [fragment]
    pdu_type, body = yield EXCHANGE, [wire.p_data(context_id, wire.LAST, bytes(rest))]
    lane.count(message.check(pdu_type, body), time.monotonic_ns() - begun)
    yield PARK, []
    yield from release(lane)


# ------------------------------------------------------------------------------------------------------ lanes


class Lane:
    """One seat: at most one socket, driven by a script."""

    def __init__(self, number: int, loop: Loop) -> None:
        self.number = number
        self._loop = loop
        self._script = loop.task.script(self, loop.task)
        self._socket: socket.socket | None = None
        self._received = b""
        self._unsent: list[memoryview] = []
        self._waits_for = PARK

    # What scripts call.

    def may_go_on(self) -> bool:
        return self._loop.take_turn()

    def failed(self, what: str) -> None:
        self._loop.count_failure(what)

    def count(self, status: int, latency: int) -> None:
        """An operation is done: the latency in nanoseconds counts only with the status Success."""
        if status == 0:
            self._loop.report.latencies.append(latency)
        else:
            self.failed(f"status {status:04X}H")

    def close(self) -> None:
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
        self._received, self._unsent = b"", []

    # What the loop calls.

    def start(self) -> None:
        self._resume(None)

    def on_ready(self, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._on_writable()
            if events & ~select.EPOLLOUT and self._socket is not None:
                self._on_readable()
        except OSError as error:
            self.break_off(_lost(error))

    def break_off(self, why: str) -> None:
        """What the script waits for will not come."""
        if self._waits_for == PARK:
            self.close()  # the script learns of it when it goes on
        else:
            self._advance(partial(self._script.throw, PeerError(why)))

    def _on_writable(self) -> None:
        assert self._socket is not None
        if self._waits_for == CONNECT:
            if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "connect")
            self._loop.watch(self._socket.fileno(), select.EPOLLIN)
            self._resume(None)
        elif self._send():
            self._loop.watch(self._socket.fileno(), select.EPOLLIN)
            if self._waits_for == SEND:
                self._resume(None)

    def _on_readable(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(RECEIVE_SIZE)
        if not data:
            self.break_off("connection closed by the peer")
            return
        self._received = self._received + data if self._received else data
        if self._waits_for == EXCHANGE and (pdu := self._next_pdu()) is not None:
            self._resume(pdu)

    def _next_pdu(self) -> Pdu | None:
        received = self._received
        if len(received) < wire.HEADER.size:
            return None
        pdu_type, length = wire.HEADER.unpack_from(received)
        end = wire.HEADER.size + length
        if len(received) < end:
            return None
        self._received = received[end:]
        return pdu_type, received[wire.HEADER.size : end]

    def _resume(self, value: Pdu | None) -> None:
        self._advance(partial(self._script.send, value))  # type: ignore[arg-type]

    def _advance(self, move: Callable[[], Step]) -> None:
        """Let the script run until it has to wait for the socket or for the barrier."""
        try:
            while True:
                self._waits_for, buffers = move()
                try:
                    if not self._begin(buffers):
                        return
                    move = partial(self._script.send, None)  # type: ignore[arg-type]
                except OSError as error:
                    move = partial(self._script.throw, PeerError(_lost(error)))
        except StopIteration:
            self._end()
        except PeerError as error:
            self.failed(str(error))
            self._end()

    def _begin(self, buffers: list[Buffer]) -> bool:
        """Begin a step. True where it is done already."""
        if self._waits_for == PARK:
            self._loop.parked(self)
            return False
        if self._waits_for == CONNECT:
            self._connect()
            return False
        if self._socket is None:
            raise OSError(errno.ENOTCONN, "not connected")
        self._unsent = [memoryview(buffer) for buffer in buffers]
        if self._send():
            return self._waits_for == SEND
        self._loop.watch(self._socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        return False

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.enrol(self._socket.fileno(), self)
        error = self._socket.connect_ex(("127.0.0.1", self._loop.task.port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "connect")

    def _send(self) -> bool:
        """Send what the socket takes. True when all is gone."""
        assert self._socket is not None
        try:
            sent = self._socket.sendmsg(self._unsent)
        except BlockingIOError:
            return False
        while self._unsent and sent >= len(self._unsent[0]):
            sent -= len(self._unsent.pop(0))
        if self._unsent:
            self._unsent[0] = self._unsent[0][sent:]
        return not self._unsent

    def _end(self) -> None:
        self.close()
        self._loop.ended()


def _lost(error: OSError) -> str:
    return f"connection lost: {errno.errorcode.get(error.errno or 0, 'unknown')}"


# ------------------------------------------------------------------------------------------------------- loop


class Loop:
    """The epoll loop of one generator process."""

    def __init__(self, task: Task, parent: Connection) -> None:
        self.task = task
        self.report = Report()
        self._parent = parent
        self._epoll = select.epoll()
        self._lanes: dict[int, Lane] = {}  # by file descriptor
        self._waiting = deque(Lane(number, self) for number in task.lanes)  # to be let off the barrier
        self._parked: list[Lane] = []
        self._busy = 0
        self._turns = 0
        self._until = 0

    # What lanes call.

    def enrol(self, fd: int, lane: Lane) -> None:
        self._lanes[fd] = lane
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT)

    def watch(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._lanes[fd]

    def parked(self, lane: Lane) -> None:
        self._parked.append(lane)
        self._busy -= 1

    def ended(self) -> None:
        self._busy -= 1

    def take_turn(self) -> bool:
        if self._turns <= 0 or time.monotonic_ns() >= self._until:
            return False
        self._turns -= 1
        return True

    def count_failure(self, what: str) -> None:
        self.report.failures[what] += 1
        if self.report.failures.total() >= MAXIMUM_FAILURES * len(self.task.lanes):
            self._turns = 0

    # Stages.

    def run(self) -> None:
        """One stage after the other, as long as a lane is left and the parent says go."""
        while self._waiting:
            seconds, self._turns = self._parent.recv()
            self._stage(seconds)
            self._waiting.extend(self._parked)
            self._parked.clear()

    def _stage(self, seconds: float) -> None:
        self.report = Report()
        begun, cpu = time.monotonic(), time.process_time()
        self._until = time.monotonic_ns() + int(seconds * 1e9)
        self._run_until_parked(begun + seconds + self.task.patience)
        self.report.wall, self.report.cpu = time.monotonic() - begun, time.process_time() - cpu
        self.report.parked = len(self._parked)
        self._parent.send(self.report)

    def _run_until_parked(self, give_up_at: float) -> None:
        self._let_off()
        while self._busy:
            remaining = give_up_at - time.monotonic()
            if remaining <= 0:
                self._give_up()
                return
            for fd, events in self._epoll.poll(remaining):
                if lane := self._lanes.get(fd):
                    lane.on_ready(events)
            self._let_off()

    def _let_off(self) -> None:
        while self._waiting and self._busy < self.task.opening_at_a_time:
            self._busy += 1
            self._waiting.popleft().start()

    def _give_up(self) -> None:
        self._turns = 0
        for lane in set(self._lanes.values()) - set(self._parked):
            lane.break_off(f"no answer within {self.task.patience:g} s")
        self.report.failures["never had its turn"] += len(self._waiting)
        self._waiting.clear()


class Generators:
    """Generator processes that run one task together, stage by stage. Use as a context manager."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._pipes: list[Connection] = []
        self._processes: list[ForkProcess] = []

    def __enter__(self) -> Generators:
        for task in self._tasks:
            mine, theirs = FORK.Pipe()
            process = FORK.Process(target=_generate, args=(task, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(mine)
            self._processes.append(process)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def stage(self, seconds: float = 0.0, count: int = NO_BOUND) -> Report:
        """Let everyone go on to the next barrier, with a bound in time and in operations of all of them together."""
        share = -(-count // len(self._pipes))
        for pipe in self._pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.send((seconds, share))
        patience = max(task.patience for task in self._tasks) + REPORT_WITHIN
        until = time.monotonic() + seconds + patience
        return Report.together([_receive(pipe, until) for pipe in self._pipes])


def _receive(pipe: Connection, until: float) -> Report:
    if not pipe.poll(max(0.0, until - time.monotonic())):
        raise TimeoutError("a generator process does not answer")
    try:
        report: Report = pipe.recv()
    except EOFError:
        return Report()  # its lanes had all ended in an earlier stage, which reported why
    return report


def _generate(task: Task, parent: Connection) -> None:
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        Loop(task, parent).run()
