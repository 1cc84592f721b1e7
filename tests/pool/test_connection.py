"""A connection on a loop in this process: the other end of a socketpair is the peer, and the test turns the loop."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from raw_peer import (
    ECHO_CONTEXT,
    P_DATA,
    RELEASE_REQUEST,
    STORE_CONTEXT,
    associate_rq,
    data_set,
    echo_rq,
    p_data,
    pdu,
    store_rq,
)
from turning import turn_until

from pool import logs
from pool.config import Settings
from pool.connection import RECEIVE_BUFFER_LENGTH, SEND_AHEAD, Connection
from pool.handoff import Ack, Admit, Admitted, Channel, Closed, Expire, Handoff, Record, socketpair
from pool.loop import Loop
from pool.pace import Pace
from pool.stats import Counters
from pool.storage import store
from pool.worker.process import Worker
from pool.worker.scp import SCP
from pool.worker.served import ServedAssociation
from ul.acse import Offer, Rejection, SupportedContext
from ul.association_control import ESTABLISHED
from ul.dimse import BytesSource
from ul.session import Session
from ul.session_events import AssociationAborted, AssociationRequested, Event, Operation, RequestReceived, Timeouts
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, Verification
from ul.status import SUCCESS
from ul.upper_layer import UpperLayer

EVERYTHING = SupportedContext(("1.2.840.10008.1.2", ExplicitVRLittleEndian))
OFFER = Offer({Verification: EVERYTHING, CTImageStorage: EVERYTHING})


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The events of this process, by name and with their fields."""
    events: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(logs, "event", lambda level, name, **fields: events.append((name, fields)))
    return events


class Plain(Connection):
    """Accepts at once and answers requests when told to."""

    __slots__ = ("calls", "ended", "ends", "fault", "operations", "sock")

    def __init__(self, loop: Loop, sock: socket.socket, buffer: memoryview, timeouts: Timeouts) -> None:
        super().__init__(loop, sock, UpperLayer(False), Session(timeouts, OFFER), buffer, timeouts.network)
        self.sock = sock
        self.operations: list[Operation] = []
        self.ends: list[Event] = []
        self.fault: Exception | None = None
        self.calls = 0
        self.ended = False

    def _ready(self, events: int) -> None:
        self.calls += 1
        super()._ready(events)

    def react(self, event: Event) -> None:
        if isinstance(event, AssociationRequested):
            self.session.accept(self._loop.now)
        elif isinstance(event, RequestReceived):
            self.operations.append(event.operation)
            if self.fault is not None:
                raise self.fault
        else:
            self.ends.append(event)

    def respond(self, data_set: Any = None) -> None:
        operation = self.operations.pop(0)
        response = operation.request.response(Status=SUCCESS)
        if data_set is not None:
            response.CommandDataSetType = 1
        self.session.respond(operation, response, self._loop.now, data_set)
        self.pump()

    def closed(self) -> None:
        self.ended = True


class Pairs:
    """Connections and their peers, which share one receive buffer as those of a worker do."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
        self.peers: list[socket.socket] = []
        self.connections: list[Plain] = []

    def plain(self, timeouts: Timeouts | None = None, **options: int) -> tuple[Plain, socket.socket]:
        """An established association."""
        ours, peer = socket.socketpair()
        for name, value in options.items():
            ours.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        peer.setblocking(False)
        connection = Plain(self.loop, ours, self.buffer, timeouts or Timeouts())
        self.peers.append(peer)
        self.connections.append(connection)
        connection.start()
        peer.send(associate_rq())
        assert self.read(peer)[:1] == b"\x02"
        return connection, peer

    def until(self, condition: Callable[[], object]) -> None:
        turn_until(self.loop, condition)

    def read(self, peer: socket.socket) -> bytes:
        """What comes next to a peer; nothing at its end."""
        found: list[bytes] = []

        def heard() -> bool:
            try:
                found.append(peer.recv(1 << 20))
            except BlockingIOError:
                return False
            return True

        self.until(heard)
        return found[0]

    def quiet(self) -> int:
        """Turn the loop as often as it has something to do; how often that was."""
        turns = 0
        while turns < 50:
            begun = monotonic()
            self.loop.turn(0.05)
            if monotonic() - begun >= 0.05:
                return turns
            turns += 1
        return turns

    def close(self) -> None:
        for connection in self.connections:
            connection.close()
        for peer in self.peers:
            peer.close()


@pytest.fixture
def pairs(loop: Loop) -> Iterator[Pairs]:
    made = Pairs(loop)
    yield made
    made.close()


# Slow senders


def test_a_message_keeps_its_pace_or_is_the_end(pairs: Pairs) -> None:
    connection, peer = pairs.plain()
    pace = connection.pace = Pace(1000, 10.0)
    peer.send(echo_rq())
    pairs.until(lambda: connection.operations)
    connection.respond()
    assert pace.deadline is None  # nothing is awaited
    peer.send(store_rq("1.2.3", 2))
    pairs.until(lambda: connection.operations)
    assert pace.deadline is not None and connection.deadline == pace.deadline
    peer.send(p_data(STORE_CONTEXT, 0, bytes(12_000)))  # waits in the kernel: it is us who are slow
    pairs.loop.now = pace.deadline
    connection._timer_due()
    assert connection.session.state == ESTABLISHED
    pairs.loop.now = pace.deadline
    connection._timer_due()
    (end,) = [event for event in connection.ends if isinstance(event, AssociationAborted)]
    assert end.description == "less than 1000 bytes per second for 10 s"


# Senders with Nagle's algorithm on


class Recording(socket.socket):
    """A socket that remembers how often it was asked to acknowledge at once."""

    acknowledged = 0

    def setsockopt(self, level: int, option: int, value: Any) -> None:  # type: ignore[override]
        super().setsockopt(level, option, value)
        self.acknowledged += (level, option, value) == (socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


@pytest.mark.parametrize("cut", [3, 6, 12, 40, 200])
def test_the_beginning_of_a_message_is_acknowledged_at_once_and_a_whole_one_with_its_answer(
    loop: Loop, cut: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours = Recording(fileno=listener.accept()[0].detach())
    connection = Plain(loop, ours, memoryview(bytearray(RECEIVE_BUFFER_LENGTH)), Timeouts())
    message = store_rq("1.2.3") + p_data(STORE_CONTEXT, 2, data_set("1.2.3"))
    with peer:
        connection.start()
        peer.sendall(associate_rq())
        turn_until(loop, lambda: connection.bytes_sent)
        peer.sendall(message)
        turn_until(loop, lambda: connection.operations)
        assert ours.acknowledged == 0  # nobody waits: the response brings the ACK
        connection.respond()
        peer.sendall(message[:cut])
        turn_until(loop, lambda: ours.acknowledged)
        connection.close()


# Reading, and not reading


def test_what_cannot_be_performed_yet_is_not_read(pairs: Pairs) -> None:
    connection, peer = pairs.plain()
    peer.send(echo_rq(1) + echo_rq(2))
    pairs.until(lambda: connection.operations)
    before = connection.bytes_received
    peer.send(echo_rq(3))
    assert pairs.quiet() == 0
    assert connection.bytes_received == before
    for message_id in (1, 2, 3):  # each begins when the one before is answered
        pairs.until(lambda: connection.operations)
        assert [operation.request.MessageID for operation in connection.operations] == [message_id]
        connection.respond()
        assert pairs.read(peer)
    assert pairs.quiet() == 0


def test_a_hang_up_while_nothing_is_read_is_noticed_once(pairs: Pairs) -> None:
    connection, peer = pairs.plain()
    peer.send(echo_rq(1) + echo_rq(2))
    pairs.until(lambda: connection.operations)
    connection.calls = 0
    peer.close()
    assert pairs.quiet() < 5
    assert connection.calls < 5
    assert not connection.ended  # the operation is still being performed
    connection.respond()
    pairs.until(lambda: connection.operations)  # what came before the end is performed
    connection.respond()
    assert connection.ended


def test_one_buffer_serves_all_connections(pairs: Pairs) -> None:
    """Half a header of one is kept while another one's bytes pass through the buffer."""
    first, first_peer = pairs.plain()
    second, second_peer = pairs.plain()
    first_peer.send(echo_rq(7)[:9])
    pairs.until(lambda: first.bytes_received == len(associate_rq()) + 9)
    second_peer.send(p_data(ECHO_CONTEXT, 1, b"\xaa" * 5000))
    pairs.until(lambda: second.bytes_received > 5000)
    first_peer.send(echo_rq(7)[9:])
    pairs.until(lambda: first.operations)
    assert first.operations[0].request.MessageID == 7


# Sending


class Counted(BytesSource):
    """A data set that tells how much of it was asked for."""

    __slots__ = ("taken",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.taken = 0

    def read(self, size: int, /) -> memoryview:
        self.taken += size
        return super().read(size)


def test_a_data_set_is_read_no_faster_than_the_peer_takes_it(pairs: Pairs) -> None:
    connection, peer = pairs.plain(SO_SNDBUF=65536)
    data = bytes(range(256)) * 32768  # 8 MiB
    source = Counted(data)
    peer.send(echo_rq())
    pairs.until(lambda: connection.operations)
    connection.respond(source)
    assert source.taken <= 2 * SEND_AHEAD
    assert pairs.quiet() == 0  # a full socket is waited for, not tried
    received = bytearray()
    most = 0
    while len(received) < len(data):
        most = max(most, source.taken - len(received))
        received += pairs.read(peer)
    while source.remaining or connection._unsent:
        received += pairs.read(peer)
    assert most <= 3 * SEND_AHEAD
    fragments = []
    while received:
        kind, length = struct.unpack_from(">BxL", received)
        assert kind == P_DATA
        header = received[11]
        fragments.append(bytes(received[12 : 6 + length])) if not header & 1 else None
        del received[: 6 + length]
    assert b"".join(fragments) == data


def test_who_reads_nothing_is_not_listened_to_and_closed_in_time(pairs: Pairs) -> None:
    connection, peer = pairs.plain(Timeouts(network=0.3), SO_SNDBUF=4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    message_id = 0
    while not connection.session.answers_due:
        message_id += 1
        assert message_id < 5000
        peer.send(echo_rq(message_id))
        pairs.until(lambda: connection.operations)
        connection.respond()
    before = connection.bytes_received
    peer.send(echo_rq(1))
    pairs.until(lambda: connection.ended)
    assert connection.bytes_received == before
    assert connection.lost == "nothing of what was sent was read for 0.3 s"


# Time


def test_a_timer_is_not_made_for_every_message(pairs: Pairs) -> None:
    connection, peer = pairs.plain(Timeouts(network=60.0))
    made = pairs.loop._timers_made
    for message_id in range(50):
        peer.send(echo_rq(message_id))
        pairs.until(lambda: connection.operations)
        connection.respond()
        pairs.read(peer)
    assert pairs.loop._timers_made == made


def test_a_deadline_that_moved_later_is_held_when_it_comes(pairs: Pairs) -> None:
    connection, peer = pairs.plain(Timeouts(network=0.2))
    for message_id in range(3):
        pairs.loop.turn(0.1)
        peer.send(echo_rq(message_id))
        pairs.until(lambda: connection.operations)
        connection.respond()
        pairs.read(peer)
    last = pairs.loop.now
    assert pairs.read(peer) == pdu(7, bytes(4))  # A-ABORT of the service-user
    assert pairs.loop.now - last >= 0.2


# Faults and the end


def test_a_fault_closes_its_own_connection_only(pairs: Pairs, logged: list[tuple[str, dict[str, Any]]]) -> None:
    faulty, faulty_peer = pairs.plain()
    sound, sound_peer = pairs.plain()
    faulty.fault = ZeroDivisionError("of ours")
    for peer in (faulty_peer, sound_peer):
        peer.send(echo_rq())
    pairs.until(lambda: sound.operations and faulty.ended)
    assert faulty.lost == "fault: ZeroDivisionError"
    assert pairs.read(faulty_peer) == b""
    sound.respond()
    assert pairs.read(sound_peer)
    assert [name for name, _ in logged] == ["loop.callback_failed"]
    assert pairs.quiet() == 0


def test_closing_reaches_the_peer_while_another_process_has_a_copy(pairs: Pairs) -> None:
    connection, peer = pairs.plain()
    with connection.sock.dup():  # as the acceptor has, until it was acknowledged
        connection.close()
        assert pairs.read(peer) == b""
    assert connection.ended
    connection.close()  # harmless
    assert pairs.quiet() == 0


def test_a_reset_is_an_end(pairs: Pairs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    connection = Plain(pairs.loop, ours, pairs.buffer, Timeouts())
    connection.start()
    peer.send(associate_rq())
    pairs.until(lambda: connection.bytes_sent)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    pairs.until(lambda: connection.ended)
    assert connection.lost == "Connection reset by peer"


class Refusing(socket.socket):
    """A socket that fails to send, though the peer is there, once it has sent so many bytes."""

    left = 1 << 30

    def send(self, data: Any, flags: int = 0) -> int:
        if not self.left:
            raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
        sent = super().send(data[: self.left], flags)
        self.left -= sent
        return sent

    def sendmsg(self, buffers: Any, *rest: Any) -> int:
        return self.send(b"".join(buffers))


@pytest.mark.parametrize("at_once", [False, True])
def test_a_failure_to_send_is_an_end_though_the_peer_is_there(pairs: Pairs, at_once: bool) -> None:
    ours, peer = socket.socketpair()
    sock = Refusing(fileno=ours.detach())
    connection = Plain(pairs.loop, sock, pairs.buffer, Timeouts())
    with peer:
        connection.start()
        peer.send(associate_rq())
        pairs.until(lambda: connection.bytes_sent)
        peer.recv(1 << 20)
        peer.send(echo_rq(1) + echo_rq(2))
        pairs.until(lambda: connection.operations)
        sock.left = 0 if at_once else 7
        connection._send_at_once(bytes(10)) if at_once else connection.respond()
        sock.left = 1 << 20
        while connection.operations:
            connection.respond()
        pairs.until(lambda: connection.ended)
        assert connection.lost == os.strerror(errno.ENOBUFS)
        assert any(isinstance(event, AssociationAborted) for event in connection.ends)
        assert len(peer.recv(1 << 20)) == (0 if at_once else 7)  # nothing behind half a PDU


# The SCP's associations


class Gate:
    """An acceptor that answers when the test does."""

    def __init__(self) -> None:
        self.asking: list[ServedAssociation] = []
        self.closed: list[int] = []

    def request_admission(self, association: ServedAssociation, calling_ae_title: str, called_ae_title: str) -> None:
        self.asking.append(association)

    def association_closed(self, association: ServedAssociation) -> None:
        self.closed.append(association.token)


class House:
    """An SCP and the associations that are handed to it."""

    def __init__(self, pairs: Pairs, store: Path, **settings: Any) -> None:
        self.pairs = pairs
        self.gate = Gate()
        self.counters = Counters()
        self.scp = SCP(Settings(output_directory=store, **settings), pairs.loop, self.counters, self.gate)
        self.store = store
        self.associations: list[ServedAssociation] = []

    def connect(self) -> tuple[ServedAssociation, socket.socket]:
        ours, peer = socket.socketpair()
        peer.setblocking(False)
        self.pairs.peers.append(peer)
        token = len(self.associations) + 1
        association = self.scp.open_association(ours, Handoff(token, 0, 4242, self.pairs.loop.now, "192.0.2.1"))
        self.associations.append(association)
        association.start()
        return association, peer

    def associate(self) -> tuple[ServedAssociation, socket.socket]:
        association, peer = self.connect()
        peer.send(associate_rq())
        self.pairs.until(lambda: association in self.gate.asking)
        association.admitted()
        assert self.pairs.read(peer)[:1] == b"\x02"
        return association, peer


@pytest.fixture
def house(
    request: pytest.FixtureRequest, pairs: Pairs, tmp_path: Path, logged: list[tuple[str, dict[str, Any]]]
) -> Iterator[House]:
    made = House(pairs, tmp_path / "store", **getattr(request, "param", {}))
    yield made
    for association in made.associations:
        association.close()
    made.scp.close()


def end_in(logged: list[tuple[str, dict[str, Any]]]) -> str:
    """How the one connection ended, in its one line."""
    (fields,) = [fields for name, fields in logged if name in ("association.closed", "connection.closed")]
    end: str = fields["end"]
    return end


def test_an_answer_that_comes_too_late_is_no_association(house: House, logged: Any) -> None:
    association, peer = house.connect()
    peer.send(associate_rq())
    house.pairs.until(lambda: house.gate.asking)
    peer.send(pdu(7, bytes(4)))
    house.pairs.until(lambda: house.gate.closed)
    association.admitted()
    association.refused(Rejection(2, 3, 2))
    assert house.counters.associations_accepted == house.counters.associations_active == 0
    assert end_in(logged) == "A-ABORT from the peer"


def test_an_instance_whose_sender_left_while_it_was_committed_is_kept(house: House, logged: Any) -> None:
    _, peer = house.associate()
    peer.send(store_rq("1.2.3") + p_data(STORE_CONTEXT, 2, data_set("1.2.3")))
    peer.close()
    house.pairs.until(lambda: house.gate.closed and house.counters.instances_stored)
    assert [path.name for path in house.store.rglob("*.dcm")] == ["1.2.3.dcm"]
    assert house.counters.associations_active == 0
    assert {name for name, _ in logged} == {"association.closed"}


@pytest.mark.parametrize("house", [{"durability": "none"}], indirect=True)
def test_a_comparison_with_what_was_kept_delays_nobody_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    compare, may_end = store.has_same_data_set, threading.Event()

    def compare_long(*args: Any) -> bool:
        assert may_end.wait(10)
        return compare(*args)

    monkeypatch.setattr(store, "has_same_data_set", compare_long)
    _, sending = house.associate()
    _, other = house.associate()
    for pixels in (b"one", b"two"):
        sending.send(store_rq("1.2.3") + p_data(STORE_CONTEXT, 2, data_set("1.2.3", pixels)))
        if pixels == b"one":
            assert house.pairs.read(sending)  # nothing to compare it with
    other.send(echo_rq())
    assert house.pairs.read(other)
    may_end.set()
    assert house.pairs.read(sending)
    assert house.counters.instances_conflicting == 1


def test_a_fault_after_something_blocked_closes_its_own_association_only(house: House, logged: Any) -> None:
    no_operation: Any = None
    faulty, faulty_peer = house.associate()
    _, sound_peer = house.associate()

    def then(result: Any, error: BaseException | None) -> None:
        raise ZeroDivisionError(result)

    faulty.run_blocking(no_operation, lambda: "of ours", then)
    house.pairs.until(lambda: house.gate.closed)
    assert house.gate.closed == [faulty.token]
    assert house.pairs.read(faulty_peer) == b""
    assert end_in(logged) == "fault: ZeroDivisionError"
    sound_peer.send(echo_rq())
    assert house.pairs.read(sound_peer)


def test_a_reset_after_the_release_does_not_make_it_less_orderly(house: House, logged: Any) -> None:
    association, peer = house.associate()
    peer.send(RELEASE_REQUEST)
    assert house.pairs.read(peer) == pdu(6, bytes(4))
    association.lost = "Connection reset by peer"  # what the socket says when the peer closes with SO_LINGER 0
    peer.close()
    house.pairs.until(lambda: house.gate.closed)
    assert end_in(logged) == "released"
    assert house.counters.associations_released == 1


@pytest.mark.parametrize("house", [{"min_rate": 1000, "dimse_timeout": 0.05}], indirect=True)
def test_who_falls_silent_amid_a_message_is_not_called_slow(house: House, logged: Any) -> None:
    _, peer = house.associate()
    peer.send(store_rq("1.2.3"))
    house.pairs.until(lambda: house.counters.associations_aborted)
    assert house.counters.limits_reached == 0
    peer.close()
    house.pairs.until(lambda: house.gate.closed)
    assert end_in(logged) == "DIMSE timeout: nothing for 0.05 s"


# The worker's associations


class Marked:
    """An association that notes what it is told, and fails where it should."""

    def __init__(self, token: int, notes: list[tuple[int, str]], fails: bool) -> None:
        self.token = token
        self.peer_address = ("192.0.2.1", 4242)
        self.notes = notes
        self.fails = fails
        self.is_health_check = False

    def note(self, what: str) -> None:
        self.notes.append((self.token, what))
        if self.fails and what != "closed":
            raise ZeroDivisionError(what)

    def start(self) -> None:
        self.note("started")

    def admitted(self) -> None:
        self.note("admitted")

    def refused(self, rejection: Rejection, rule: str) -> None:
        self.note("refused")

    def expire_artim(self) -> None:
        self.note("expired")

    def dismiss(self) -> None:
        self.note("dismissed")

    def drain(self) -> None:
        self.note("drained")

    def abort(self, why: str) -> None:
        self.note("aborted")

    def close(self) -> None:
        self.note("closed")

    def callback_failed(self, error: Exception) -> None:
        self.note("closed")


class Marking:
    """An application whose first association fails at everything."""

    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []
        self.associations: list[Marked] = []
        self.sockets: list[socket.socket] = []

    def open_association(self, sock: socket.socket, handoff: Handoff) -> Marked:
        self.sockets.append(sock)
        self.associations.append(Marked(handoff.token, self.notes, handoff.token == 1))
        return self.associations[-1]

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


class Employed:
    """A worker whose acceptor is the test: the channel between them, and what the worker said."""

    def __init__(self, loop: Loop, control: Path) -> None:
        control.mkdir()
        ours, theirs = socketpair()
        self.loop = loop
        self.application = Marking()
        self.worker = Worker(Settings(control=control), theirs, lambda *parts: self.application)
        self.heard: list[Record] = []
        self.acceptor = Channel(loop, ours, lambda records, fds: self.heard.extend(records), int, int)

    def hand_over(self, *tokens: int) -> None:
        with socket.socket() as sock:
            for token in tokens:
                self.acceptor.send(Handoff(token, 0, 4242, 0.0, "192.0.2.1"), sock.fileno())
            self.acceptor.flush()

    def until(self, condition: Callable[[], object]) -> None:
        turn_until(self.loop, lambda: self.worker._loop.turn(0) or condition())

    def told(self, token: int) -> list[str]:
        return [what for number, what in self.application.notes if number == token]

    def close(self) -> None:
        self.worker._loop.call_soon(self.worker._loop.stop)
        self.worker.run()
        self.acceptor.close()


@pytest.fixture
def employed(loop: Loop, tmp_path: Path) -> Iterator[Employed]:
    made = Employed(loop, tmp_path / "control")
    yield made
    made.close()


def test_the_fault_of_an_association_does_not_reach_those_told_in_the_same_packet(
    employed: Employed, logged: Any
) -> None:
    worker, acceptor, told = employed.worker, employed.acceptor, employed.told
    employed.hand_over(1, 2, 3)
    employed.until(lambda: "started" in told(3) and len(employed.heard) == 3)
    assert employed.heard == [Ack(1), Ack(2), Ack(3)]
    for association in employed.application.associations[:2]:
        worker.request_admission(association, "CALLING", "CALLED")
    for record in (Admitted(1), Admitted(2), Expire(1), Expire(3)):
        acceptor.send(record)
    employed.until(lambda: "expired" in told(3))
    assert employed.heard[3:] == [
        Admit(1, 4242, "CALLING", "CALLED", "192.0.2.1"),
        Admit(2, 4242, "CALLING", "CALLED", "192.0.2.1"),
    ]
    worker._told({"type": "drain"}, b"")
    worker._told({"type": "stop", "now": True}, b"")
    acceptor.half_close()
    employed.until(lambda: "dismissed" in told(3))
    at_the_end = ["drained", "aborted", "drained", "dismissed"]
    assert told(2) == ["started", "admitted", *at_the_end]
    assert told(3) == ["started", "expired", *at_the_end]
    assert told(1)[::2] == ["started", "admitted", "expired", *at_the_end]
    assert set(told(1)[1::2]) == {"closed"}
    employed.worker._loop.stop()


def test_an_expiry_in_the_packet_of_its_connection_follows_the_start(employed: Employed) -> None:
    employed.hand_over(1, 2)
    with socket.socket() as sock:
        employed.acceptor.send(Handoff(3, 0, 4242, 0.0, "192.0.2.1"), sock.fileno())
        employed.acceptor.send(Expire(2))
        employed.acceptor.send(Expire(3))
        employed.acceptor.flush()
    employed.until(lambda: "expired" in employed.told(3))
    assert employed.told(2) == employed.told(3) == ["started", "expired"]


@pytest.mark.parametrize("then", [["expired"], ["drained", "dismissed"]])
def test_what_a_start_has_to_wait_for_delays_what_follows_it(employed: Employed, then: list[str]) -> None:
    """The acknowledgement cannot leave: nobody reads."""
    channel, acceptor = employed.worker._channel, employed.acceptor
    employed.loop.unregister(acceptor._socket.fileno())
    while not channel.full:
        channel.send(Closed(0))
        channel.flush()
    employed.hand_over(2)
    if then == ["expired"]:
        acceptor.send(Expire(2))
        acceptor.flush()
    else:
        acceptor.half_close()
    employed.until(lambda: employed.application.associations)
    for _ in range(5):
        employed.worker._loop.turn(0)
    assert not employed.told(2)
    acceptor._watched = 0
    acceptor._watch()
    employed.until(lambda: then[-1] in employed.told(2))
    assert employed.told(2) == ["started", *then]
