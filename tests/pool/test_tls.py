"""TLS on connections of this process, with peers that go wrong on purpose, and with DCMTK on the other side."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from peers import dcmtk, free_port, serving
from raw_peer import RELEASE_REQUEST, STORE_CONTEXT, associate_rq, data_set, echo_rq, p_data, store_rq
from requestor import Requestor
from test_connection import Plain
from turning import turn_until

from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.loop import Loop
from pool.tls_socket import FlushDue, TLSError, TLSSocket
from ul.dimse import BytesSource
from ul.session_events import Timeouts


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


class Ends:
    """A connection of ours, TLS on it, and the peer's end, which the test drives by hand."""

    def __init__(self, loop: Loop, server: ssl.SSLContext, **options: int) -> None:
        self.loop = loop
        ours, self.peer = socket.socketpair()
        for name, value in options.items():
            ours.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        self.connection = Plain(
            loop,
            TLSSocket(ours, server, server_side=True),  # type: ignore[arg-type]  # it stands in for one
            memoryview(bytearray(RECEIVE_BUFFER_LENGTH)),
            Timeouts(),
        )
        self.peer.setblocking(False)
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()

    def client(self, context: ssl.SSLContext) -> ssl.SSLObject:
        return context.wrap_bio(self.received, self.to_send, server_hostname="localhost")

    def drive(self, call: Any) -> Any:
        """Repeat a call of OpenSSL's until it has what it wants of us."""
        done: list[Any] = []

        def go_on() -> bool:
            try:
                done.append(call())
            except ssl.SSLWantReadError:
                self.exchange()
                return False
            self.exchange()
            return True

        turn_until(self.loop, go_on)
        return done[0]

    def exchange(self) -> None:
        if self.to_send.pending:
            self.peer.send(self.to_send.read())
        with contextlib.suppress(BlockingIOError):
            self.received.write(self.peer.recv(1 << 20))


@pytest.fixture
def ends(loop: Loop, authority: Authority) -> Iterator[Ends]:
    made = Ends(loop, authority.server())
    yield made
    made.connection.close()
    made.peer.close()


def associate(ends: Ends, client: ssl.SSLObject) -> None:
    ends.drive(client.do_handshake)
    client.write(associate_rq())
    assert ends.drive(lambda: client.read(1 << 16))[:1] == b"\x02"


def test_an_association_over_tls(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq())
    ends.exchange()
    turn_until(ends.loop, lambda: ends.connection.operations)
    ends.connection.respond()
    assert ends.drive(lambda: client.read(1 << 16))[:1] == b"\x04"
    client.write(RELEASE_REQUEST)
    assert ends.drive(lambda: client.read(1 << 16))[:1] == b"\x06"
    assert ends.connection.bytes_received == len(associate_rq()) + len(echo_rq()) + len(RELEASE_REQUEST)


def test_what_came_with_the_end_of_the_handshake_is_read_at_once(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    ends.exchange()
    turn_until(ends.loop, lambda: ends.received.pending or ends.exchange())
    client.do_handshake()
    client.write(associate_rq() + echo_rq())  # in one segment with the client's Finished
    ends.peer.send(ends.to_send.read())
    turn_until(ends.loop, lambda: ends.connection.operations)


def test_one_byte_at_a_time(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq())
    for byte in ends.to_send.read():
        ends.peer.send(bytes([byte]))
        ends.loop.turn(0)
    turn_until(ends.loop, lambda: ends.connection.operations)


def test_many_records_in_one_turn_are_all_read(ends: Ends, authority: Authority) -> None:
    """epoll does not see what OpenSSL holds: after one readiness nothing may be left behind."""
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    for number in range(200):
        client.write(echo_rq(number + 1))
    ends.peer.send(ends.to_send.read())
    ends.loop.turn(1)
    assert ends.connection.calls and len(ends.connection.operations) == 1  # the window: one operation at a time
    for number in range(200):
        turn_until(ends.loop, lambda: ends.connection.operations)
        assert ends.connection.operations[0].request.MessageID == number + 1
        ends.connection.respond()


def test_close_notify_is_an_end_even_if_the_peer_keeps_its_socket_open(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    with pytest.raises(ssl.SSLWantReadError):
        client.unwrap()
    ends.exchange()
    turn_until(ends.loop, lambda: ends.connection.ended)
    turn_until(ends.loop, lambda: ends.received.eof or ends.exchange() or ends.received.pending)
    client.unwrap()  # raises, if ours did not come


def test_close_notify_behind_data_is_an_end_too(ends: Ends, authority: Authority) -> None:
    """No further byte comes that could make the socket readable."""
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq())
    with pytest.raises(ssl.SSLWantReadError):
        client.unwrap()
    ends.peer.send(ends.to_send.read())
    turn_until(ends.loop, lambda: ends.connection.ended)
    assert ends.connection.operations


def test_an_abort_in_the_middle_of_a_record(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(store_rq("1.2.3") + p_data(STORE_CONTEXT, 2, data_set("1.2.3", bytes(9000))))
    ends.peer.send(ends.to_send.read()[:5000])
    ends.peer.close()
    turn_until(ends.loop, lambda: ends.connection.ended)


def test_a_failure_to_send_is_an_end_though_the_peer_is_there(
    ends: Ends, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq(1) + echo_rq(2))
    ends.exchange()
    turn_until(ends.loop, lambda: ends.connection.operations)

    def fail(sock: TLSSocket) -> bool:
        raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))

    with monkeypatch.context() as patched:
        patched.setattr(TLSSocket, "_flush", fail)
        ends.connection.respond()
    while ends.connection.operations:
        ends.connection.respond()
    turn_until(ends.loop, lambda: ends.connection.ended)
    assert ends.connection.lost == os.strerror(errno.ENOBUFS)


def test_a_record_that_was_changed_on_its_way(ends: Ends, authority: Authority) -> None:
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq())
    record = bytearray(ends.to_send.read())
    record[-1] ^= 1
    ends.peer.send(record)
    turn_until(ends.loop, lambda: ends.connection.ended)
    assert isinstance(ends.connection.failure, TLSError)
    assert "bad record mac" in ends.connection.lost


def test_a_plain_peer_on_a_tls_connection(ends: Ends) -> None:
    ends.connection.start()
    ends.peer.send(associate_rq())
    turn_until(ends.loop, lambda: ends.connection.ended)
    assert ends.connection.lost == "TLS: the peer does not speak TLS"


def test_a_peer_that_says_nothing_breaks_no_protocol(ends: Ends) -> None:
    ends.connection.start()
    ends.peer.close()
    turn_until(ends.loop, lambda: ends.connection.ended)
    assert not isinstance(ends.connection.failure, TLSError)


def test_what_the_kernel_does_not_take_waits_and_nothing_is_lost(loop: Loop, authority: Authority) -> None:
    """A peer that reads late: ciphertext waits in front of the plaintext that is not encrypted yet."""
    ends = Ends(loop, authority.server(), SO_SNDBUF=4096)
    ends.connection.start()
    client = ends.client(authority.client())
    associate(ends, client)
    client.write(echo_rq())
    ends.exchange()
    turn_until(loop, lambda: ends.connection.operations)
    sent = bytes(range(256)) * 4096
    ends.connection.respond(BytesSource(sent))
    for _ in range(20):
        loop.turn(0)
    assert ends.connection._unsent
    got = b""
    while not _fragments(got).endswith(sent):
        got += ends.drive(lambda: client.read(1 << 16))
        assert len(got) < 2 * len(sent), "more came than was sent"
    ends.connection.close()
    ends.peer.close()


def _fragments(stream: bytes) -> bytes:
    """The fragments of P-DATA-TF, one after the other, as far as they are whole."""
    found, offset = b"", 0
    while offset + 12 <= len(stream):
        length = struct.unpack_from(">L", stream, offset + 2)[0]
        found += stream[offset + 12 : offset + 6 + length]
        offset += 6 + length
    return found


def test_a_connection_waits_for_room_for_its_handshake(loop: Loop, authority: Authority) -> None:
    ends = Ends(loop, authority.server(), SO_SNDBUF=1)
    ours = socket.socket(fileno=os.dup(ends.connection.sock.fileno()))
    ours.setblocking(False)
    filler = 0
    with pytest.raises(BlockingIOError):
        while True:
            filler += ours.send(bytes(512))
    ours.close()
    ends.connection.start()
    client = ends.client(authority.client())
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    ends.peer.send(ends.to_send.read())
    for _ in range(20):
        loop.turn(0)
    assert ends.connection.calls == 1  # and does not look again until there is room
    while filler:
        filler -= len(ends.peer.recv(filler))
    associate(ends, client)
    ends.connection.close()
    ends.peer.close()


def test_a_handshake_whose_answer_does_not_fit_waits_for_room(authority: Authority) -> None:
    ours, peer = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    ours.setblocking(False)
    server = TLSSocket(ours, authority.server(), server_side=True)
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client().wrap_bio(received, to_send, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    filler = 0
    with pytest.raises(BlockingIOError):
        while True:
            filler += ours.send(b"x" * 512)
    peer.send(to_send.read())
    buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
    with pytest.raises(FlushDue):
        server.recv_into(buffer)
    with pytest.raises(BlockingIOError):
        server.sendmsg([b""])
    while filler:
        filler -= len(peer.recv(filler))
    assert server.sendmsg([b""]) == 0
    received.write(peer.recv(1 << 16))
    client.do_handshake()
    peer.send(to_send.read())
    with pytest.raises(BlockingIOError):
        server.recv_into(buffer)
    assert server.is_established
    server.close()
    peer.close()


# -- the requestor's side


def test_a_requestor_and_dcmtk(authority: Authority, tmp_path: Path) -> None:
    port = free_port()
    command: list[Any] = [dcmtk("storescp"), *authority.dcmtk, "-od", tmp_path, port]
    with serving(list(map(str, command)), port):
        told: list[str] = []

        class Told(Requestor):
            def connected(self) -> None:
                told.append("connected")

            def secured(self) -> None:
                told.append("secured")

        context = authority.client(certified=True)
        context.check_hostname = False
        with Told(port, tls=context) as association:
            assert told == ["connected", "secured"]
            assert association.echo() == 0
            assert association.store("1.2.3", data_set("1.2.3", bytes(8 << 20))).Status == 0
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 8 << 20


def test_a_requestor_that_does_not_trust_the_peer(authority: Authority, tmp_path: Path) -> None:
    port = free_port()
    command = [dcmtk("storescp"), *authority.dcmtk, "-od", tmp_path, str(port)]
    with serving(command, port), Requestor(port, tls=ssl.create_default_context()) as association:
        assert association.is_closed
        assert association.end == "TLS: the peer's certificate will not do: self-signed certificate"


def test_a_requestor_with_tls_at_a_plain_peer(authority: Authority, tmp_path: Path) -> None:
    port = free_port()
    command = [dcmtk("storescp"), "-od", str(tmp_path), str(port)]
    with serving(command, port), Requestor(port, tls=authority.client()) as association:
        assert association.is_closed
        assert "TLS" in association.end  # what else depends on who is quicker
