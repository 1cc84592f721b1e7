"""The hand-off over real socketpairs: records, descriptors, full sockets, full tables, and ends that die."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turning import turn_until

from pool import handoff
from pool.handoff import Ack, Admit, Admitted, Channel, Closed, Expire, Handoff, Nack, Record, Refused
from pool.loop import Loop

TOKENS = st.integers(0, 2**64 - 1)
BYTES = st.integers(0, 255)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=63)
RECORDS = st.one_of(
    st.builds(Handoff, TOKENS, st.integers(0, 65535), st.integers(0, 65535), st.floats(0, 1e9), TEXTS),
    st.builds(Admitted, TOKENS),
    st.builds(Refused, TOKENS, BYTES),
    st.builds(Expire, TOKENS),
    st.builds(Ack, TOKENS),
    st.builds(Nack, TOKENS, st.integers(0, 133)),
    st.builds(Admit, TOKENS, st.integers(0, 65535), TEXTS, TEXTS, TEXTS),
    st.builds(Closed, TOKENS, st.booleans()),
)


@given(st.lists(RECORDS, max_size=20))
def test_records_come_out_of_a_packet_as_they_went_in(records):
    assert handoff.decode(b"".join(map(handoff.encode, records))) == records


class End:
    """One end of a channel and what arrived there."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self.records: list[Record] = []
        self.fds: list[int | None] = []
        self.ended = False
        self.drained = 0
        self.channel = Channel(loop, sock, self.on_records, self.on_eof, self.on_drained)

    def on_records(self, records: list[Record], fds: list[int]) -> None:
        self.records += records
        arrived = iter(fds)
        self.fds += [next(arrived, None) for record in records if type(record) is Handoff]

    def on_eof(self) -> None:
        self.ended = True

    def on_drained(self) -> None:
        self.drained += 1

    def close(self) -> None:
        self.channel.close()
        for fd in self.fds:
            if fd is not None:
                os.close(fd)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def ends(loop: Loop) -> Iterator[tuple[End, End]]:
    acceptor, worker = (End(loop, sock) for sock in handoff.socketpair())
    yield acceptor, worker
    acceptor.close()
    worker.close()


def a_handoff(token: int) -> Handoff:
    return Handoff(token, 0, 104, 1.5, "192.0.2.1")


def test_a_connection_arrives_alive(loop, ends):
    acceptor, worker = ends
    client, accepted = socket.socketpair()
    acceptor.channel.send(a_handoff(1), accepted.fileno())
    turn_until(loop, lambda: worker.records)
    accepted.close()
    assert worker.records == [a_handoff(1)]
    assert worker.fds[0] is not None
    assert not os.get_inheritable(worker.fds[0])
    client.send(b"A-ASSOCIATE-RQ")
    assert os.read(worker.fds[0], 100) == b"A-ASSOCIATE-RQ"
    client.close()


def test_descriptors_stay_with_their_records_among_others(loop, ends):
    acceptor, worker = ends
    files = [os.memfd_create(f"file {n}") for n in range(40)]
    for n, fd in enumerate(files):
        os.write(fd, b"%d" % n)
        acceptor.channel.send(Expire(1000 + n))
        acceptor.channel.send(a_handoff(n), fd)
    turn_until(loop, lambda: len(worker.records) == 80)
    for n, fd in enumerate(worker.fds):
        assert fd is not None
        assert os.pread(fd, 10, 0) == b"%d" % n
    for fd in files:
        os.close(fd)


def test_what_finds_the_socket_full_follows_in_order(loop, ends):
    acceptor, worker = ends
    loop.unregister(worker.channel._socket.fileno())  # it does not read
    for n in range(20_000):
        acceptor.channel.send(Admit(n, 4242, "CALLING", "CALLED", "192.0.2.1"))
    turn_until(loop, lambda: acceptor.channel.full)
    for n in range(20_000, 20_100):
        acceptor.channel.send(Closed(n))
    worker.channel._watched = 0
    worker.channel._watch()
    turn_until(loop, lambda: len(worker.records) == 20_100)
    assert [record.token for record in worker.records] == list(range(20_100))
    turn_until(loop, lambda: acceptor.drained)
    assert not acceptor.channel.full


def test_a_half_closed_channel_is_read_to_its_end_and_still_answers(loop, ends):
    acceptor, worker = ends
    acceptor.channel.send(Admitted(1))
    acceptor.channel.half_close()
    turn_until(loop, lambda: worker.ended)
    assert worker.records == [Admitted(1)]
    assert not acceptor.channel.open
    worker.channel.send(Closed(1))
    turn_until(loop, lambda: acceptor.records)
    worker.channel.close()
    turn_until(loop, lambda: acceptor.ended)
    assert acceptor.records == [Closed(1)]


def test_a_half_close_waits_for_what_found_the_socket_full(loop, ends):
    acceptor, worker = ends
    for n in range(20_000):
        acceptor.channel.send(Admit(n, 4242, "CALLING", "CALLED", "192.0.2.1"))
    acceptor.channel.half_close()
    assert acceptor.channel.full
    turn_until(loop, lambda: worker.ended)
    assert len(worker.records) == 20_000


def test_the_acknowledgements_of_a_dead_end_are_read_behind_its_reset(loop, ends):
    """It dies with our packets unread: recv says ECONNRESET first, and only then what it sent."""
    acceptor, worker = ends
    worker.channel.send(Ack(1))
    worker.channel.send(Ack(2))
    worker.channel.flush()
    loop.unregister(acceptor.channel._socket.fileno())
    acceptor.channel.send(Admitted(1))
    acceptor.channel.flush()
    worker.channel.close()
    acceptor.channel._watched = 0
    acceptor.channel._watch()
    acceptor.channel.read()
    assert acceptor.records == [Ack(1), Ack(2)]
    assert acceptor.ended


def test_sending_to_a_dead_end_is_no_error(loop, ends):
    acceptor, worker = ends
    worker.channel.close()
    acceptor.channel.send(Admitted(1))
    turn_until(loop, lambda: acceptor.ended)
    acceptor.channel.send(Admitted(2))
    loop.turn(0)
    assert not acceptor.channel.open


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS])
def test_what_the_kernel_has_no_room_for_is_sent_later(loop, ends, number):
    acceptor, worker = ends
    acceptor.channel._socket = Reluctant(acceptor.channel._socket, number)
    acceptor.channel.send(Admitted(1))
    turn_until(loop, lambda: worker.records == [Admitted(1)])
    assert acceptor.channel.open


class Reluctant:
    """A socket that fails to send once."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.numbers = [number]

    def send(self, data: bytes) -> int:
        while self.numbers:
            raise OSError(self.numbers.pop(), "no room")
        return self.sock.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


def test_a_channel_at_its_end_does_not_keep_the_loop_busy(loop, ends):
    acceptor, worker = ends
    acceptor.channel.close()
    turn_until(loop, lambda: worker.ended)
    turns = []
    loop.call_at(loop.now + 0.05, lambda: turns.append("timer"))
    while not turns or turns[-1] != "timer":
        loop.turn()
        turns.insert(0, "turn")
    assert len(turns) <= 3


def test_a_full_descriptor_table_gives_records_without_descriptors(loop):
    """In a process of its own: as many as fit arrive, in order, and the rest say so."""
    ours, theirs = handoff.socketpair()
    files = [os.memfd_create(f"file {n}") for n in range(10)]
    with theirs:
        child = subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()])
    acceptor = End(loop, ours)
    for n, fd in enumerate(files):
        acceptor.channel.send(a_handoff(n), fd)
    turn_until(loop, lambda: acceptor.ended)
    assert child.wait() == 0
    assert acceptor.records == [*map(Ack, range(3)), *(Nack(n, errno.EMFILE) for n in range(3, 10))]
    acceptor.close()
    for fd in files:
        os.close(fd)


def receive_with_room_for(count: int, sock: socket.socket) -> None:
    """The child: take what fits, refuse the rest, leave."""
    loop = Loop()
    worker = End(loop, sock)
    free = [os.dup(0) for _ in range(count)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1] + 1, free[-1] + 1))
    for fd in free:
        os.close(fd)
    turn_until(loop, lambda: len(worker.records) == 10)
    for record, fd in zip(worker.records, worker.fds, strict=True):
        worker.channel.send(Ack(record.token) if fd is not None else Nack(record.token, errno.EMFILE))
    worker.channel.flush()


if __name__ == "__main__":
    receive_with_room_for(3, socket.socket(fileno=int(sys.argv[1])))
