"""DULServiceProvider, driven by its queues alone: against DCMTK in both roles, and its manners as a thread."""

from __future__ import annotations

import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import peers
import pytest

from ul import evt
from ul.acse import Offer, Rejection, SupportedContext, request
from ul.dimse import Buffer
from ul.dul import DULServiceProvider
from ul.evt import Handlers
from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    P_DATA,
    PresentationContextDefinition,
    Primitive,
)
from ul.services.verification import echo_request
from ul.sop_class import Verification
from ul.transport import AssociationSocket
from ul.wire.command import decode_command, encode_command

IMPLICIT = "1.2.840.10008.1.2"


@dataclass
class Parent:
    is_requestor: bool
    acse_timeout: float | None = peers.DEADLINE
    connection_timeout: float | None = peers.DEADLINE
    network_timeout: float | None = 60.0
    maximum_pdu_size: int = 16382
    handlers: Handlers = field(default_factory=Handlers)


@pytest.fixture
def started() -> Iterator[list[DULServiceProvider]]:
    """The providers of a test; they are ended with it."""
    providers: list[DULServiceProvider] = []
    yield providers
    for provider in providers:
        provider.kill_dul()
        if provider.is_alive():
            provider.join(peers.DEADLINE)
            assert not provider.is_alive()


def requestor(started: list[DULServiceProvider]) -> DULServiceProvider:
    provider = DULServiceProvider(Parent(True))
    provider.start()
    started.append(provider)
    return provider


def acceptor(started: list[DULServiceProvider], sock: socket.socket) -> DULServiceProvider:
    provider = DULServiceProvider(Parent(False))
    provider.socket = AssociationSocket(sock)
    provider.start()
    started.append(provider)
    return provider


def taken(provider: DULServiceProvider) -> Primitive:
    return provider.to_user_queue.get(timeout=peers.DEADLINE)


def proposal(port: int) -> A_ASSOCIATE:
    primitive = request(
        calling_ae_title="QUEUES",
        called_ae_title="ANY-SCP",
        contexts=[PresentationContextDefinition(1, Verification, [IMPLICIT])],
    )
    primitive.called_presentation_address = ("127.0.0.1", port)
    return primitive


def message(provider: DULServiceProvider) -> bytes:
    """The fragments of one command set."""
    fragments = b""
    while True:
        primitive = taken(provider)
        assert isinstance(primitive, P_DATA)
        for context_id, header, fragment in primitive.presentation_data_value_list:
            assert context_id == 1
            fragments += bytes(fragment)
            if header & 2:
                return fragments


def test_requestor_echoes_with_storescp(started: list[DULServiceProvider], tmp_path: Path) -> None:
    port = peers.free_port()
    with peers.serving([peers.dcmtk("storescp"), "-od", tmp_path, str(port)], port):
        provider = requestor(started)
        provider.to_provider_queue.put(proposal(port))
        confirm = taken(provider)
        assert isinstance(confirm, A_ASSOCIATE)
        assert confirm.result == 0
        assert provider.state_machine.current_state == "Sta6"
        provider.to_provider_queue.put(P_DATA([(1, 3, encode_command(echo_request(7)))]))
        response = decode_command(message(provider))
        assert (response.MessageIDBeingRespondedTo, response.Status) == (7, 0)
        provider.to_provider_queue.put(A_RELEASE())
        assert taken(provider) == A_RELEASE("affirmative")


def test_acceptor_echoes_with_echoscu(started: list[DULServiceProvider]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        scu = subprocess.Popen([peers.dcmtk("echoscu"), "127.0.0.1", str(port)], env=peers.ENVIRONMENT)
        provider = acceptor(started, listener.accept()[0])
    indication = taken(provider)
    assert isinstance(indication, A_ASSOCIATE)
    answer = Offer({Verification: SupportedContext((IMPLICIT,))}).answer(indication)
    assert not isinstance(answer, Rejection)
    provider.to_provider_queue.put(answer.response)
    response = decode_command(message(provider)).response(Status=0)
    provider.to_provider_queue.put(P_DATA([(1, 3, encode_command(response))]))
    assert taken(provider) == A_RELEASE()
    provider.to_provider_queue.put(A_RELEASE("affirmative"))
    assert scu.wait(peers.DEADLINE) == 0


def pair(started: list[DULServiceProvider]) -> tuple[DULServiceProvider, DULServiceProvider]:
    """A requestor and an acceptor with an association between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = requestor(started)
        near.send_pdu(proposal(listener.getsockname()[1]))
        far = acceptor(started, listener.accept()[0])
    indication = taken(far)
    assert isinstance(indication, A_ASSOCIATE)
    answer = Offer({Verification: SupportedContext((IMPLICIT,))}).answer(indication)
    assert not isinstance(answer, Rejection)
    far.send_pdu(answer.response)
    assert isinstance(taken(near), A_ASSOCIATE)
    return near, far


def test_peek_leaves_and_receive_takes(started: list[DULServiceProvider]) -> None:
    near, far = pair(started)
    assert far.peek_next_pdu() is None
    assert far.receive_pdu() is None
    near.send_pdu(A_ABORT())
    primitive = far.receive_pdu(wait=True, timeout=peers.DEADLINE)
    assert primitive == A_ABORT(0)


def test_a_peer_that_vanishes_is_told(started: list[DULServiceProvider]) -> None:
    near, far = pair(started)
    near.kill_dul()
    primitive = taken(far)
    assert isinstance(primitive, A_P_ABORT)
    assert primitive.transport_lost


def test_nobody_there_is_told_too(started: list[DULServiceProvider]) -> None:
    provider = requestor(started)
    provider.send_pdu(proposal(peers.free_port()))
    primitive = taken(provider)
    assert isinstance(primitive, A_P_ABORT)


def test_a_request_the_state_does_not_allow_is_dropped(started: list[DULServiceProvider]) -> None:
    near, far = pair(started)
    near.send_pdu(A_RELEASE("affirmative"))
    near.send_pdu(A_RELEASE())
    assert taken(far) == A_RELEASE()


def test_a_user_that_does_not_take_holds_the_peer_up_and_nothing_is_lost(started: list[DULServiceProvider]) -> None:
    near, far = pair(started)
    fragment = bytes(8192)
    for _ in range(2000):
        near.send_pdu(P_DATA([(1, 0, fragment)]))
    total = 0
    while total < 2000 * len(fragment):
        primitive = taken(far)
        assert isinstance(primitive, P_DATA)
        assert far.to_user_queue.qsize() <= 64
        total += sum(len(value[2]) for value in primitive.presentation_data_value_list)
    assert total == 2000 * len(fragment)


def test_what_is_put_in_leaves_on_the_thread_that_put_it_in(
    started: list[DULServiceProvider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least where the provider's own waits, as it does here; unless handlers are to be shown what is sent."""
    near, far = pair(started)
    senders: set[int] = set()
    send = near.socket.send

    def recording(buffers: list[Buffer]) -> bool:
        senders.add(threading.get_ident())
        return send(buffers)

    monkeypatch.setattr(near.socket, "send", recording)
    for _ in range(10):
        near.send_pdu(P_DATA([(1, 3, b"one")]))
        assert isinstance(taken(far), P_DATA)
    assert threading.get_ident() in senders
    senders.clear()
    near.assoc.handlers.bind(evt.EVT_PDU_SENT, lambda event: None)
    near.send_pdu(P_DATA([(1, 3, b"two")]))
    assert isinstance(taken(far), P_DATA)
    assert senders == {near.ident}


def test_several_threads_put_in_and_each_is_sent_in_its_order(started: list[DULServiceProvider]) -> None:
    near, far = pair(started)

    def put(number: int) -> None:
        for count in range(300):
            near.to_provider_queue.put(P_DATA([(1, 3, bytes([number]) + count.to_bytes(2, "big"))]))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    counts: dict[int, list[int]] = {number: [] for number in range(4)}
    while sum(map(len, counts.values())) < 1200:
        primitive = taken(far)
        assert isinstance(primitive, P_DATA)
        for _, _, fragment in primitive.presentation_data_value_list:
            counts[fragment[0]].append(int.from_bytes(fragment[1:], "big"))
    for thread in threads:
        thread.join()
    assert all(found == list(range(300)) for found in counts.values())


def test_stop_dul_only_where_nothing_is_under_way(started: list[DULServiceProvider]) -> None:
    near, _ = pair(started)
    assert not near.stop_dul()
    near.send_pdu(A_ABORT())
    idle = DULServiceProvider(Parent(True))
    idle.start()
    assert idle.stop_dul()
    idle.join(peers.DEADLINE)
    assert not idle.is_alive()


def test_what_a_thread_has(started: list[DULServiceProvider]) -> None:
    provider = requestor(started)
    assert isinstance(provider, threading.Thread)
    assert provider.isAlive()
    provider.setName("dul")
    assert provider.getName() == provider.name == "dul"
    assert not provider.isDaemon()
    assert provider.association is provider.assoc
    assert provider.artim_timer.deadline is None
    assert provider.network_timeout == 60.0
    assert not provider.idle_timer_expired()
    assert isinstance(provider.event_queue, queue.Queue)
    assert provider.event_queue.qsize() == 0


def test_idle_providers_do_not_run(started: list[DULServiceProvider]) -> None:
    """They wait: in the time of an exchange between two others, twenty of them use next to nothing."""
    idle = [pair(started) for _ in range(10)]
    near, far = pair(started)
    before = [time.clock_gettime(time.pthread_getcpuclockid(p.ident or 0)) for ends in idle for p in ends]
    for _ in range(500):
        near.send_pdu(P_DATA([(1, 3, b"ping")]))
        assert isinstance(taken(far), P_DATA)
    after = [time.clock_gettime(time.pthread_getcpuclockid(p.ident or 0)) for ends in idle for p in ends]
    assert sum(after) - sum(before) < 0.005
