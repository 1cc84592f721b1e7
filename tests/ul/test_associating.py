"""How associations begin: what is remembered of equal ones and what of it is shared, and on how many threads."""

from __future__ import annotations

import copy
import pickle
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import peers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_aes import Told, associated, scu, serving

from ul import AE, acse, evt
from ul.acse import IN_ANY_TRANSFER_SYNTAX, Answer, Offer, SupportedContext
from ul.association import Association
from ul.pdu_primitives import A_ASSOCIATE, PresentationContextDefinition
from ul.presentation import PresentationContext, StoragePresentationContexts, build_context, copies
from ul.sop_class import CTImageStorage, MRImageStorage, Verification
from ul.transport import ThreadedAssociationServer
from ul.wire import pdu

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"

A_ABORT_HEADER = b"\x07\x00\x00\x00\x00\x04"

abstract_syntaxes = st.sampled_from([str(Verification), str(CTImageStorage), str(MRImageStorage), "1.2.3"])
transfer_syntaxes = st.lists(st.sampled_from([IMPLICIT, EXPLICIT, BIG_ENDIAN]), min_size=1, max_size=3, unique=True)
proposals = st.lists(st.tuples(abstract_syntaxes, transfer_syntaxes), min_size=1, max_size=8)
offers = st.dictionaries(abstract_syntaxes, st.builds(SupportedContext, transfer_syntaxes.map(tuple)))


# --- what is remembered ----------------------------------------------------------------------------------------------


def requested(ae: AE, contexts: list[PresentationContext]) -> A_ASSOCIATE:
    return ae._request("SCP", [(c.abstract_syntax, c.transfer_syntax) for c in contexts], 16382, [])


def anew(primitive: A_ASSOCIATE) -> A_ASSOCIATE:
    """The same without a memory of its bytes."""
    forgetful = copy.deepcopy(primitive)
    forgetful.encoded = None
    return forgetful


@settings(max_examples=40)
@given(st.lists(proposals, min_size=2, max_size=4), offers)
def test_from_memory_comes_what_comes_without(proposed: list[list[tuple[str, list[str]]]], offered: Any) -> None:
    ae, offer = AE("SCU"), Offer(offered, unknown_contexts=IN_ANY_TRANSFER_SYNTAX)
    for proposal in (*proposed, *proposed):
        contexts = [build_context(*row) for row in proposal]
        request = requested(ae, contexts)
        assert request == requested(AE("SCU"), contexts)
        indication = pdu.decode(pdu.A_ASSOCIATE_RQ, pdu.encode(request)[6:])
        assert indication == pdu._decode_associate(pdu.encode(anew(request)))
        assert isinstance(indication, A_ASSOCIATE)
        answer = offer.answer(indication)
        assert answer == offer._negotiate(indication)
        assert isinstance(answer, Answer)
        confirm = pdu.decode(pdu.A_ASSOCIATE_AC, pdu.encode(answer.response)[6:])
        assert isinstance(confirm, A_ASSOCIATE)
        assert acse.agreed(request, confirm) == acse.agreed(anew(request), anew(confirm))


def test_a_request_says_what_the_contexts_are_now() -> None:
    with serving() as (_, port):
        ae = scu(CTImageStorage)
        first = associated(port, ae)
        ae.requested_contexts[0].transfer_syntax.insert(0, IMPLICIT)  # in the very list
        second = associated(port, ae)
        assert [c.transfer_syntax for a in (first, second) for c in a.accepted_contexts] == [[EXPLICIT], [IMPLICIT]]
        ae.requested_contexts[0].abstract_syntax = Verification
        third = associated(port, ae)
        assert [context.abstract_syntax for context in third.accepted_contexts] == [Verification]
        for association in (first, second, third):
            association.release()


def test_what_is_done_to_a_context_stays_with_its_association() -> None:
    with serving() as (_, port):
        ae = scu()
        first, second = associated(port, ae), associated(port, ae)
        context = first.accepted_contexts[0]
        context.transfer_syntax.append(BIG_ENDIAN)
        context.abstract_syntax, context.result, context.as_scp = "1.2.3", 4, True
        assert first.accepted_contexts[0] is context
        third = associated(port, ae)
        for other in (second, third):
            found = other.accepted_contexts[0]
            assert (found.abstract_syntax, found.transfer_syntax) == (Verification, [EXPLICIT])
            assert (found.result, found.as_scp) == (0, False)
        for association in (first, second, third):
            association.release()


CHANGES: list[Callable[[PresentationContext], object]] = [
    lambda context: context.transfer_syntax.clear(),
    lambda context: context.add_transfer_syntax("1.2.840.10008.1.2.4.50"),
    lambda context: setattr(context, "transfer_syntax", [BIG_ENDIAN]),
    lambda context: setattr(context, "abstract_syntax", "1.2.3"),
    lambda context: setattr(context, "context_id", 255),
    lambda context: setattr(context, "scu_role", True),
    lambda context: setattr(context, "scp_role", True),
    lambda context: setattr(context, "result", 3),
    lambda context: setattr(context, "as_scu", True),
    lambda context: setattr(context, "as_scp", True),
]


@given(st.lists(st.sampled_from(CHANGES), min_size=1), st.booleans())
def test_a_copy_is_one_of_its_own(changes: list[Callable[[PresentationContext], object]], read_before: bool) -> None:
    original = build_context(CTImageStorage)
    original.context_id = 1
    as_it_was = str(original)
    changed, other = copies([original, original])
    if read_before:
        assert changed == original == other
    for change in changes:
        change(changed)
    assert changed != original
    assert other == original
    assert str(original) == str(other) == as_it_was


def test_a_copy_is_a_context_like_any_other() -> None:
    original = build_context(CTImageStorage)
    (made,) = copies([original])
    assert isinstance(made, PresentationContext)
    assert (repr(made), str(made), hash(made)) == (repr(original), str(original), hash(original))
    assert copy.deepcopy(made) == copy.copy(made) == pickle.loads(pickle.dumps(made)) == original
    with pytest.raises(AttributeError, match="no attribute 'transfer_syntaxes'"):
        made.transfer_syntaxes  # type: ignore[attr-defined]  # noqa: B018


# --- on how many threads ---------------------------------------------------------------------------------------------


def test_what_is_refused_has_had_no_thread() -> None:
    ae = AE("SCP")
    ae.require_called_aet = True
    with serving(ae=ae) as (_, port):
        for association in (
            scu().associate("127.0.0.1", port, ae_title="OTHER"),
            scu().associate("127.0.0.1", peers.free_port()),
        ):
            assert not association.is_established
            assert association.ident is None
            assert association.dul.ident is None
            assert not association.dul.socket.is_connected
            assert association.dul.state_machine.current_state == "Sta1"


def test_who_connects_and_says_nothing_leaves_nothing_behind() -> None:
    """Neither one that goes at once, as whoever looks for open ports does, nor one that ARTIM ends."""
    ae = AE("SCP")
    ae.acse_timeout = 0.2
    before = threading.active_count()
    with serving(ae=ae) as (_, port):
        socket.create_connection(("127.0.0.1", port)).close()
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.settimeout(peers.DEADLINE)
            assert silent.recv(1) == b""
        for thread in threading.enumerate():
            if isinstance(thread, Association):
                thread.join(peers.DEADLINE)
        assert threading.active_count() == before + 1  # the server's
        assert not ae._pending


def test_an_established_association_has_its_threads() -> None:
    with serving() as (ae, port):
        ours = associated(port)
        (theirs,) = ae.active_associations
        assert ours.is_alive()
        assert ours.dul.is_alive()
        assert ours.send_c_echo().Status == 0  # theirs have been started when they answer
        assert theirs.is_alive()
        assert theirs.dul.is_alive()
        ours.release()
        assert not ours.dul.is_alive()


@contextmanager
def unanswering(asked: Callable[[], object] = bool) -> Iterator[int]:
    """The port of a peer that answers nothing, and closes when it is given up. It calls `asked` when it has been."""

    def listen() -> None:
        with listener.accept()[0] as sock:
            sock.settimeout(peers.DEADLINE)
            sock.recv(1)
            asked()
            while A_ABORT_HEADER not in (received := sock.recv(1 << 20)) and received:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = threading.Thread(target=listen)
        listening.start()
        yield listener.getsockname()[1]
        listening.join(peers.DEADLINE)
        assert not listening.is_alive()


@pytest.mark.parametrize("end", [lambda a: a.abort(), lambda a: a.abort(block=False), lambda a: a.kill()])
def test_another_thread_can_end_what_is_being_negotiated(end: Callable[[Association], None]) -> None:
    told = Told()
    with unanswering(lambda: end(told.next().assoc)) as port:
        association = scu().associate("127.0.0.1", port, evt_handlers=[(evt.EVT_CONN_OPEN, told)])
    assert association.is_aborted
    assert not association.dul.socket.is_connected


def test_a_timeout_that_is_set_meanwhile_holds() -> None:
    told = Told()
    with unanswering(lambda: setattr(told.next().assoc, "acse_timeout", 0.1)) as port:
        ae = scu()
        ae.acse_timeout = None
        association = ae.associate("127.0.0.1", port, evt_handlers=[(evt.EVT_CONN_OPEN, told)])
    assert association.is_aborted


@pytest.mark.parametrize("event", [evt.EVT_CONN_OPEN, evt.EVT_PDU_SENT])
def test_a_handler_can_end_what_is_being_negotiated(event: evt.EventType) -> None:
    with unanswering() as port:
        handlers = [(event, lambda event: event.assoc.abort())]
        association = scu().associate("127.0.0.1", port, evt_handlers=handlers)
        assert association.is_aborted
        assert not association.dul.socket.is_connected


@pytest.mark.parametrize("event", [evt.EVT_ACSE_RECV, evt.EVT_ACCEPTED, evt.EVT_ESTABLISHED])
def test_a_handler_that_takes_its_time_holds_no_end_up(event: evt.EventType) -> None:
    """Nor anything else: the provider's thread serves the peer meanwhile."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: evt.Event) -> None:
        begun.set()
        go_on.wait(peers.DEADLINE)

    with serving([(event, slow)]) as (ae, port), socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(peers.DEADLINE)
        contexts = [PresentationContextDefinition(1, Verification, [IMPLICIT])]
        peer.sendall(pdu.encode(acse.request(calling_ae_title="A", called_ae_title="B", contexts=contexts)))
        assert begun.wait(peers.DEADLINE)
        (association,) = ae._servers[0].active_associations
        association.abort(block=False)
        said = b""
        while A_ABORT_HEADER not in said:
            said += peer.recv(65536) or pytest.fail("no A-ABORT")
        go_on.set()


def test_who_is_aborted_by_a_handler_is_not_accepted() -> None:
    handlers = [(evt.EVT_PDU_RECV, lambda event: event.assoc.abort())]
    with serving(handlers) as (_, port), socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(peers.DEADLINE)
        contexts = [PresentationContextDefinition(1, Verification, [IMPLICIT])]
        peer.sendall(pdu.encode(acse.request(calling_ae_title="A", called_ae_title="B", contexts=contexts)))
        assert peer.recv(1) in (b"", b"\7")


def test_a_keyboard_interrupt_ends_what_is_being_negotiated() -> None:
    associations: list[Association] = []

    def interrupted(event: evt.Event) -> None:
        associations.append(event.assoc)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(KeyboardInterrupt):
        handlers = [(evt.EVT_CONN_OPEN, interrupted)]
        scu().associate("127.0.0.1", listener.getsockname()[1], evt_handlers=handlers)
    (association,) = associations
    assert association.is_aborted
    assert association.dul.ident is None
    assert not association.dul.socket.is_connected


def test_a_server_ends_what_has_not_been_asked_for_yet() -> None:
    opened = threading.Event()
    ae = AE("SCP")
    ae.add_supported_context(Verification)
    handlers = [(evt.EVT_CONN_OPEN, lambda event: opened.set())]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert isinstance(server, ThreadedAssociationServer)
    with socket.create_connection(server.server_address) as silent:
        assert opened.wait(peers.DEADLINE)
        (association,) = server.active_associations
        server.shutdown()
        silent.settimeout(peers.DEADLINE)
        assert silent.recv(1) == b""
        association.join(peers.DEADLINE)
        assert not association.is_alive()


def test_all_storage_contexts_again_and_again() -> None:
    ae = AE("SCP")
    ae.supported_contexts = StoragePresentationContexts
    before = threading.active_count()
    with serving(ae=ae) as (_, port):
        requesting = AE("SCU")
        requesting.requested_contexts = StoragePresentationContexts
        for _ in range(20):
            association = associated(port, requesting)
            assert len(association.accepted_contexts) == len(StoragePresentationContexts)
            association.release()
            assert association.is_released
    for thread in threading.enumerate():
        if isinstance(thread, Association):
            thread.join(peers.DEADLINE)
    assert threading.active_count() == before
