"""Peers that break the protocol, stall, flood or leave: each ends as the standard says, and nobody else notices.

One server for most of it, and a bystander on each of its workers that must be answered after every test.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Iterator
from pathlib import Path

import processes
import pytest
from peers import DEADLINE
from raw_peer import (
    ABORT,
    AC,
    ECHO_CONTEXT,
    P_DATA,
    RELEASE_REQUEST,
    RELEASE_RP,
    RJ,
    STORE_CONTEXT,
    RawPeer,
    associate_rq,
    data_set,
    echo_rq,
    p_data,
    pdu,
    pdv,
    store_rq,
)
from serving import RunningServer, server

from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import CTImageStorage, Verification
from ul.wire.command import C_ECHO_RQ, Command, encode_command

MIB = 1 << 20
IMPLICIT = "1.2.840.10008.1.2"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    store = tmp_path_factory.mktemp("hostile") / "store"
    with server(store, "--workers", 2, "--durability", "none", "--log-level", "debug") as running:
        yield running


@pytest.fixture(scope="module")
def bystanders(shared: RunningServer) -> Iterator[list[RawPeer]]:
    """Two associations; the least active worker is next, so each worker has one."""
    both = [RawPeer(shared.port) for _ in range(2)]
    for bystander in both:
        bystander.associate(calling="BYSTANDER")
    assert {association["worker"] for association in processes.status(shared.control)["associations"]} == {1, 2}
    yield both
    for bystander in both:
        bystander.release()


@pytest.fixture
def running(shared: RunningServer, bystanders: list[RawPeer]) -> Iterator[RunningServer]:
    yield shared
    for bystander in bystanders:
        bystander.echo()
    assert shared.events("worker.exited") == shared.events("operation.fault") == []
    assert shared.events("loop.callback_failed") == shared.events("association.fault") == []


def end_of(running: RunningServer, address: str) -> str:
    """The one line about a connection that is over."""
    line = running.wait_for_log(f"peer={address} ")
    assert [other for other in running.log if f"peer={address} " in other] == [line]
    return line


def stored(running: RunningServer) -> list[str]:
    return [path.name for path in running.files()]


# Before there is an association

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(194))
HTTP = b"GET / HTTP/1.1\r\nHost: pacs.example\r\nUser-Agent: scanner\r\nAccept: */*\r\n\r\n"


def rq_with_ids(*context_ids: int) -> bytes:
    contexts = [PresentationContextDefinition(n, CTImageStorage, [IMPLICIT]) for n in range(1, 2 * len(context_ids), 2)]
    request = bytearray(associate_rq(contexts))
    offset = 74
    offset += 4 + struct.unpack_from(">H", request, offset + 2)[0]  # behind the application context
    for context_id in context_ids:
        request[offset + 4] = context_id
        offset += 4 + struct.unpack_from(">H", request, offset + 2)[0]
    return bytes(request)


def rq_with_129_contexts() -> bytes:
    request = rq_with_ids(*range(1, 256, 2))
    start = 74 + 4 + struct.unpack_from(">H", request, 76)[0]
    item = request[start : start + 4 + struct.unpack_from(">H", request, start + 2)[0]]
    return pdu(1, request[6:start] + item + request[start:])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(HTTP, "PDU type 47H", id="http"),
        pytest.param(CLIENT_HELLO, "PDU type 16H", id="tls"),
        pytest.param(b"\x00" * 64, "PDU type 00H", id="zeros"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff", "PDU type FFH", id="header of nothing"),
        pytest.param(struct.pack(">BxL", 1, 0xFFFFFFFF), "A-ASSOCIATE-RQ: length 4294967295", id="4 GiB request"),
        pytest.param(echo_rq(), "no A-ASSOCIATE-RQ", id="data first"),
        pytest.param(struct.pack(">BxL", 4, 0xFFFFFFFF), "P-DATA-TF: length 4294967295", id="4 GiB of data first"),
        pytest.param(RELEASE_REQUEST, "no A-ASSOCIATE-RQ", id="release first"),
        pytest.param(rq_with_ids(1, 2), "presentation context id 2 is not odd", id="even context id"),
        pytest.param(rq_with_ids(1, 0), "presentation context id 0 is not odd", id="context id 0"),
        pytest.param(rq_with_ids(1, 3, 1), "presentation context id 1 is repeated", id="repeated context id"),
        pytest.param(rq_with_129_contexts(), "129 presentation contexts", id="129 contexts"),
        pytest.param(pdu(1, associate_rq()[6:-3]), "A-ASSOCIATE-RQ: ", id="items cut off"),
        pytest.param(pdu(1, b"\0\1" + bytes(20)), "A-ASSOCIATE-RQ: ", id="no items"),
    ],
)
def test_what_does_not_begin_with_a_request_is_aborted_and_logged(
    running: RunningServer, said: bytes, why: str
) -> None:
    errors = processes.status(running.control)["counters"]["protocol_errors"]
    with RawPeer(running.port) as peer:
        peer.send(said)
        assert peer.expect(ABORT).verdict == (0, 0, 0)  # AA-1: from the service-user
    line = end_of(running, peer.address)
    assert processes.status(running.control)["counters"]["protocol_errors"] == errors + 1
    assert line.startswith("W: ") and " connection.closed " in line
    assert why in line


@pytest.mark.parametrize(
    ("offset", "value", "verdict", "log"),
    [
        pytest.param(7, 2, (1, 2, 2), "protocol version 1 is not offered", id="protocol version"),
        pytest.param(80, ord("9"), (1, 1, 2), "rejected (1,1,2)", id="application context name"),
    ],
)
def test_a_request_that_cannot_be_met_is_rejected(
    running: RunningServer, offset: int, value: int, verdict: tuple[int, int, int], log: str
) -> None:
    request = bytearray(associate_rq())
    request[offset] = value
    with RawPeer(running.port) as peer:
        peer.send(bytes(request))
        assert peer.expect(RJ).verdict == verdict
    assert log in end_of(running, peer.address)


def test_no_context_of_ours_is_still_an_association(running: RunningServer) -> None:
    with RawPeer(running.port) as peer:
        results = peer.associate(PresentationContextDefinition(1, "1.2.3.4", [IMPLICIT]))
        assert [result.result for result in results] == [3]
        peer.release()


def test_titles_cannot_forge_lines(running: RunningServer) -> None:
    titles = ("A\nI: forged", "\x1b[31mRED\r\n", 'quote" end=x', "\xff\xfe\x80", "\\u000a")
    for title in titles:
        with RawPeer(running.port) as peer:
            peer.associate(calling=title)
            peer.release()
        line = end_of(running, peer.address)
        assert " association.closed " in line and line.endswith(" end=released")
        assert line.isprintable() and line.isascii()
    assert not [line for line in running.log if line.startswith(("I: forged", "RED"))]


# On an association

BAD_COMMAND = encode_command(Command(C_ECHO_RQ, MessageID=1, AffectedSOPClassUID=Verification))[:-3]
COMMAND = encode_command(Command(C_ECHO_RQ, MessageID=1, AffectedSOPClassUID=Verification))


@pytest.mark.parametrize(
    ("said", "verdict", "why"),
    [
        pytest.param(struct.pack(">BxL", 4, 0xFFFFFFFF), (0, 2, 6), "P-DATA-TF: length 4294967295", id="4 GiB"),
        pytest.param(struct.pack(">BxL", 4, 131073), (0, 2, 6), "P-DATA-TF: length 131073", id="above our maximum"),
        pytest.param(pdu(4, b""), (0, 2, 6), "0 bytes hold no presentation data value", id="empty PDU"),
        pytest.param(pdu(4, b"\0\0\0\0\1\3"), (0, 2, 6), "item length 0", id="item length 0"),
        pytest.param(pdu(4, b"\0\0\0\1\1\3"), (0, 2, 6), "item length 1", id="item length 1"),
        pytest.param(pdu(4, b"\0\0\0\x09\1\3"), (0, 2, 6), "item length 9", id="item past its PDU"),
        pytest.param(pdu(4, b"\xff\xff\xff\xff\1\3"), (0, 2, 6), "item length 4294967295", id="4 GiB item"),
        pytest.param(
            pdu(4, pdv(1, 1, b"ab") + b"\0\0\0"), (0, 2, 6), "3 bytes left over", id="rest behind the last item"
        ),
        pytest.param(p_data(77, 3, COMMAND), (0, 2, 6), "context 77", id="unknown context"),
        pytest.param(p_data(ECHO_CONTEXT, 2, b"data"), (0, 2, 6), "without a command", id="data without a command"),
        pytest.param(
            store_rq("1.2.3.9") + echo_rq(2), (0, 2, 6), "a command fragment while a data set is due", id="command"
        ),
        pytest.param(
            store_rq("1.2.3.9") + p_data(ECHO_CONTEXT, 2, b"x"), (0, 2, 6), "amid a data set on context 3", id="switch"
        ),
        pytest.param(p_data(ECHO_CONTEXT, 0, b"") * 129, (0, 2, 6), "empty fragments in a row", id="empty flood"),
        pytest.param(
            p_data(ECHO_CONTEXT, 1, bytes(65536)) * 3, (0, 2, 6), "a command set of more than", id="endless command"
        ),
        pytest.param(b"\x2a\0\0\0\0\4abcd", (0, 2, 1), "PDU type 2AH", id="unrecognized PDU"),
        pytest.param(associate_rq(), (0, 2, 2), "unexpected A-ASSOCIATE PDU in Sta6", id="second request"),
        pytest.param(pdu(6, bytes(4)), (0, 2, 2), "unexpected A-RELEASE PDU in Sta6", id="release reply"),
        pytest.param(pdu(5, bytes(5)), (0, 2, 6), "length 5, not 4", id="release of 5 bytes"),
        pytest.param(p_data(ECHO_CONTEXT, 3, BAD_COMMAND), (0, 0, 0), "end=", id="command set cut off"),
        pytest.param(p_data(ECHO_CONTEXT, 3, b"GET / HTTP"), (0, 0, 0), "end=", id="no command set"),
    ],
)
def test_a_breach_is_aborted_with_its_reason_and_logged_once(
    running: RunningServer, said: bytes, verdict: tuple[int, int, int], why: str
) -> None:
    errors = processes.status(running.control)["counters"]["protocol_errors"]
    with RawPeer(running.port) as peer:
        peer.associate()
        peer.send(said)
        assert peer.expect(ABORT).verdict == verdict
    line = end_of(running, peer.address)
    assert " association.closed " in line and why in line
    assert processes.status(running.control)["counters"]["protocol_errors"] == errors + 1
    assert stored(running) == []


def test_a_claimed_length_allocates_nothing(running: RunningServer) -> None:
    pids = processes.worker_pids(running.control)
    before = sum(map(processes.memory, pids))
    peers = [RawPeer(running.port) for _ in range(40)]
    for peer in peers[:20]:
        peer.associate()
        peer.send(p_data(ECHO_CONTEXT, 1, b"")[:2] + struct.pack(">LL", 131072, 131068) + b"\1\1" + b"ab")
    for peer in peers[20:]:
        peer.send(struct.pack(">BxL", 1, 262144) + bytes(70))
    assert all(peer.socket.getsockname() for peer in peers)
    assert {association["calling_ae_title"] for association in processes.status(running.control)["associations"]} == {
        "RAW",
        "BYSTANDER",
    }
    grown = sum(map(processes.memory, pids)) - before
    for peer in peers:
        peer.close()
    assert grown < 2 * MIB, f"{grown} bytes for 40 peers that claimed 7.5 MiB"


@pytest.mark.parametrize("maximum", [1, 6, 7, 8, 11, 127, 0])
def test_any_maximum_length_of_the_peer_gets_its_response(running: RunningServer, maximum: int) -> None:
    with RawPeer(running.port) as peer:
        peer.associate(maximum_length=maximum)
        for message_id in (1, 2):
            peer.echo(message_id)
        peer.release()


# Peers that do not read


def passer_by(running: RunningServer) -> None:
    with RawPeer(running.port) as peer:
        peer.associate(calling="PASSER-BY")
        peer.echo()
        peer.release()


def pour(peer: RawPeer, data: bytes, at_most: int) -> int:
    """Send `data` again and again until the other side takes no more; the bytes that left."""
    peer.socket.setblocking(False)
    sent = 0
    rest = memoryview(data)
    # A second without room is the server's decision not to read: it needs microseconds to read on.
    while sent < at_most and select.select([], [peer.socket], [], 1.0)[1]:
        try:
            count = peer.socket.send(rest)
        except ConnectionError:
            break
        sent += count
        rest = rest[count:] or memoryview(data)
    peer.socket.settimeout(DEADLINE)
    return sent


def test_requests_are_not_read_while_their_responses_are_not(tmp_path: Path) -> None:
    with server(tmp_path, "--workers", 1, "--network-timeout", 1.5) as running:
        (pid,) = processes.worker_pids(running.control)
        before = processes.peak_memory(pid)
        with RawPeer(running.port, receive_buffer=4096) as peer:
            peer.associate()
            sent = pour(peer, b"".join(map(echo_rq, range(1, 1000))), 256 * MIB)
            passer_by(running)
            grown = processes.peak_memory(pid) - before
            assert sent < 128 * MIB, "it read on for ever"
            assert grown < 8 * MIB, f"{grown} bytes for {sent} bytes of requests"
            assert 'end="nothing of what was sent was read for 1.5 s"' in end_of(running, peer.address)


@pytest.mark.parametrize("associated", [True, False])
def test_garbage_without_end_is_ended_by_artim_and_costs_next_to_nothing(tmp_path: Path, associated: bool) -> None:
    """What comes after an A-ABORT is not read as PDUs without end, each with an answer of its own (AA-7)."""
    with server(tmp_path, "--workers", 1, "--acse-timeout", 1) as running:
        (pid,) = processes.worker_pids(running.control)
        with RawPeer(running.port, receive_buffer=4096) as peer:
            if associated:
                peer.associate()
            memory, cpu = processes.peak_memory(pid), processes.cpu_time(pid)
            sent = pour(peer, b"\x2a\0\0\0\0\0" * 50_000, 16 * MIB)
            passer_by(running)
            grown, used = processes.peak_memory(pid) - memory, processes.cpu_time(pid) - cpu
            assert grown < 2 * MIB, f"{grown} bytes for {sent} bytes of garbage"
            assert used < 0.5, f"{used} s for {sent} bytes of garbage"
            assert "PDU type 2AH" in end_of(running, peer.address)


# Peers that are slow, leave, or come back too often


def test_a_peer_that_sends_byte_by_byte_is_served_and_disturbs_nobody(
    running: RunningServer, bystanders: list[RawPeer]
) -> None:
    uid = "1.2.3.4.50"
    message = store_rq(uid) + p_data(STORE_CONTEXT, 2, data_set(uid)) + RELEASE_REQUEST
    with RawPeer(running.port) as peer:
        for said, answer in ((associate_rq(), AC), (message, P_DATA), (b"", RELEASE_RP)):
            for index in range(len(said)):
                peer.send(said[index : index + 1])
                if index % 50 == 0:
                    bystanders[index // 50 % 2].echo()
            peer.expect(answer)
    assert stored(running) == [f"{uid}.dcm"]
    running.files()[0].unlink()


@pytest.mark.parametrize("how", ["reset", "close", "abort"])
def test_a_peer_that_leaves_amid_a_data_set_leaves_nothing_behind(running: RunningServer, how: str) -> None:
    uid = "1.2.3.4.60"
    descriptors = sum(map(processes.descriptors, processes.worker_pids(running.control)))
    peer = RawPeer(running.port)
    peer.associate()
    peer.send(store_rq(uid), p_data(STORE_CONTEXT, 0, data_set(uid, bytes(100_000))))
    if how == "abort":
        peer.send(pdu(ABORT, bytes(4)))
        assert peer.receive() is None
    peer.reset() if how == "reset" else peer.close()
    line = end_of(running, peer.address)
    assert " association.closed " in line and "messages=1 " in line
    assert stored(running) == []
    assert sum(map(processes.descriptors, processes.worker_pids(running.control))) == descriptors


def test_churn_leaves_nothing_behind(running: RunningServer) -> None:
    """Associations over and over, in every way they can end; 1.5 ms each."""
    pids = [running.process.pid, *processes.worker_pids(running.control)]

    def churn(count: int) -> None:
        for number in range(count):
            with RawPeer(running.port) as peer:
                peer.send(HTTP if number % 7 == 6 else associate_rq(calling=f"CHURN{number}"))
                if number % 7 == 6:
                    peer.expect(ABORT)
                    continue
                peer.expect(AC)
                if number % 3:
                    peer.echo()
                    peer.release()
                elif number % 2:
                    peer.send(b"\x2a\0\0\0\0\0")
                    peer.expect(ABORT)

    def resources() -> tuple[int, int]:
        while processes.status(running.control)["counters"]["associations_active"] > 2:
            pass  # until the acceptor knows of the last ends
        return sum(map(processes.memory, pids)), sum(map(processes.descriptors, pids))

    churn(600)
    memory, descriptors = resources()
    churn(3000)
    memory_after, descriptors_after = resources()
    assert descriptors_after <= descriptors  # the last ones of before may not have been closed when they were counted
    assert memory_after - memory < MIB, f"{memory_after - memory} bytes"
