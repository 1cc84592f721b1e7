"""Associations on threads: two AEs with each other, what handlers see, what ends an association, and when."""

from __future__ import annotations

import logging
import queue
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from two_aes import CT, Told, associated, scu, serving

from ul import AE, build_context, build_role, evt
from ul.evt import EventHandlerType
from ul.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
    UserInformationItem,
)
from ul.sop_class import CTImageStorage, PatientRootQueryRetrieveInformationModelFind, Verification

# --- two AEs ---------------------------------------------------------------------------------------------------------


def test_echo_store_and_release() -> None:
    stored: list[evt.Event] = []

    def store(event: evt.Event) -> int:
        stored.append(event)
        return 0

    with serving([(evt.EVT_C_STORE, store)]) as (ae, port):
        association = associated(port)
        assert association.is_alive()
        assert association.native_id
        assert [context.abstract_syntax for context in association.accepted_contexts] == [Verification, CTImageStorage]
        assert association.send_c_echo().Status == 0
        assert association.send_c_store(CT).Status == 0
        assert association.send_c_store(dcmread(CT), msg_id=7, priority=1).Status == 0
        assert len(ae.active_associations) == 1
        association.release()
        assert association.is_released
        assert not association.is_established
        association.join(peers.DEADLINE)
        assert not association.is_alive()
        with pytest.raises(RuntimeError, match="association"):
            association.send_c_echo()
    first, second = stored
    assert first.dataset == dcmread(CT)
    assert second.request.MessageID == 7
    assert second.request.Priority == 1
    assert first.context.transfer_syntax == ExplicitVRLittleEndian
    assert first.encoded_dataset()[132:136] != b""
    assert first.assoc.requestor.ae_title == "SCU"
    assert first.assoc.acceptor.primitive.called_ae_title == "ANY-SCP"
    assert first.assoc.remote["ae_title"] == "SCU"


def test_a_data_set_goes_in_what_was_accepted() -> None:
    syntaxes: list[str] = []

    def store(event: evt.Event) -> int:
        syntaxes.append(event.context.transfer_syntax)
        assert event.dataset.PatientName == "CompressedSamples^CT1"
        return 0

    with serving([(evt.EVT_C_STORE, store)]) as (_, port):
        ae = AE()
        ae.add_requested_context(CTImageStorage, ImplicitVRLittleEndian)
        association = associated(port, ae)
        assert association.send_c_store(CT).Status == 0
        assert association.send_c_store(dcmread(CT)).Status == 0
        association.release()
    assert syntaxes == [ImplicitVRLittleEndian, ImplicitVRLittleEndian]


def test_what_was_not_accepted_cannot_be_sent(tmp_path: Path) -> None:
    with serving() as (_, port):
        association = associated(port, scu(Verification))
        with pytest.raises(ValueError, match="CT Image Storage"):
            association.send_c_store(CT)
        with pytest.raises(ValueError, match="CT Image Storage"):
            association.send_c_store(dcmread(CT))
        with pytest.raises(ValueError, match="FIND"):
            association.send_c_find(Dataset(), PatientRootQueryRetrieveInformationModelFind)
        with pytest.raises(OSError, match=r"no\.dcm"):
            association.send_c_store(tmp_path / "no.dcm")
        with pytest.raises(ValueError, match="not a DICOM file"):
            association.send_c_store(Path(__file__))
        assert association.send_c_echo().Status == 0
        association.release()


def test_find_yields_matches_and_a_cancel_in_time_is_seen() -> None:
    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        match = Dataset()
        match.PatientName = "A^B"
        while not event.is_cancelled:
            yield 0xFF00, match
        yield 0xFE00, None

    with serving([(evt.EVT_C_FIND, find)]) as (_, port):
        association = associated(port, scu(PatientRootQueryRetrieveInformationModelFind))
        query = Dataset()
        query.QueryRetrieveLevel = "PATIENT"
        responses = association.send_c_find(query, PatientRootQueryRetrieveInformationModelFind, msg_id=3)
        status, match = next(responses)
        assert status.Status == 0xFF00
        assert match is not None
        assert match.PatientName == "A^B"
        association.send_c_cancel(3)
        statuses = [status.Status for status, _ in responses]
        assert statuses[-1] == 0xFE00
        association.release()


def test_several_threads_share_an_association() -> None:
    with serving([(evt.EVT_C_STORE, lambda event: 0)]) as (_, port):
        association = associated(port)
        statuses: list[int] = []

        def work() -> None:
            statuses.extend(association.send_c_store(CT).Status for _ in range(20))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(peers.DEADLINE)
        assert statuses == [0] * 80
        association.release()


def test_a_large_file_is_streamed_and_kept_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    dataset = dcmread(CT)
    dataset.PixelData = bytes(1 << 20)
    dataset.save_as(path)
    size = 96 << 20
    with path.open("r+b") as file:  # the pixel data element grows, and what it holds is a hole in the file
        head = file.read().replace((1 << 20).to_bytes(4, "little"), size.to_bytes(4, "little"))
        file.seek(0)
        file.write(head)
        file.truncate(len(head) + size - (1 << 20))
    lengths: list[int] = []

    def store(event: evt.Event) -> int:
        lengths.append(event.dataset_path.stat().st_size)
        return 0

    with serving([(evt.EVT_C_STORE, store)]) as (_, port):
        association = associated(port)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert association.send_c_store(path).Status == 0
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 << 10  # KiB
        association.release()
    assert lengths[0] > size


def test_a_request_can_be_made_from_within_a_handler() -> None:
    """The handler waits for its response while it is the only thread that could read it."""
    answers: list[int] = []

    def store(event: evt.Event) -> int:
        answers.append(event.assoc.send_c_echo().Status)
        return 0

    with serving([(evt.EVT_C_STORE, store)]) as (_, port):
        roles = [build_role(Verification, scu_role=True, scp_role=True)]
        association = associated(port, ext_neg=roles)
        assert association.send_c_store(CT).Status == 0
        assert answers == [0]
        association.release()


# --- negotiation -----------------------------------------------------------------------------------------------------


def test_refusals() -> None:
    ae = AE("SCP")
    ae.require_called_aet = True
    ae.require_calling_aet = [b"SCU"]
    with serving(ae=ae) as (_, port):
        rejected = scu().associate("127.0.0.1", port, ae_title="OTHER")
        assert rejected.is_rejected
        assert not rejected.is_alive()
        assert rejected.acceptor.primitive is not None
        assert rejected.acceptor.primitive.diagnostic == 7
        stranger = scu()
        stranger.ae_title = b"STRANGER"
        rejected = stranger.associate("127.0.0.1", port, ae_title="SCP")
        assert rejected.acceptor.primitive is not None
        assert rejected.acceptor.primitive.diagnostic == 3
        associated(port, ae_title=b"SCP").release()


def test_no_more_than_the_maximum_and_the_silent_do_not_count() -> None:
    ae = AE()
    ae.maximum_associations = 2
    with serving(ae=ae) as (_, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(70)]
        held = [associated(port), associated(port)]
        rejected = scu().associate("127.0.0.1", port)
        assert rejected.is_rejected
        primitive = rejected.acceptor.primitive
        assert primitive is not None
        assert (primitive.result, primitive.result_source, primitive.diagnostic) == (2, 3, 2)
        held[0].release()
        associated(port).release()
        held[1].release()
        for sock in silent:
            sock.close()


def test_role_selection_both_ways() -> None:
    with serving() as (ae, port):
        association = associated(port, ext_neg=[build_role(CTImageStorage, scp_role=True)])
        ours = association.accepted_contexts[1]
        assert (ours.as_scu, ours.as_scp) == (False, True)
        theirs = ae.active_associations[0].accepted_contexts[1]
        assert (theirs.as_scu, theirs.as_scp) == (True, False)
        assert association.acceptor.role_selection[CTImageStorage].scp_role
        association.release()


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_user_identity(kind: int) -> None:
    seen: list[tuple[Any, ...]] = []

    def identify(event: evt.Event) -> tuple[bool, bytes | None]:
        seen.append((event.user_id_type, event.primary_field, event.secondary_field))
        return event.primary_field == b"good", b"ticket"

    with serving([(evt.EVT_USER_ID, identify)]) as (_, port):
        secondary = b"secret" if kind == 2 else b""
        good = UserIdentityNegotiation(kind, True, b"good", secondary)
        association = associated(port, ext_neg=[good])
        assert association.acceptor.user_identity is not None
        assert association.acceptor.user_identity.server_response == b"ticket"
        association.release()
        bad = UserIdentityNegotiation(kind, False, b"bad", secondary)
        rejected = scu().associate("127.0.0.1", port, ext_neg=[bad])
        assert rejected.acceptor.primitive is not None
        primitive = rejected.acceptor.primitive
        assert (primitive.result, primitive.result_source, primitive.diagnostic) == (2, 2, 1)
    assert seen == [(kind, b"good", secondary or None), (kind, b"bad", secondary or None)]


def test_a_user_identity_handler_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def identify(event: evt.Event) -> None:
        raise RuntimeError("no directory")

    with serving([(evt.EVT_USER_ID, identify)]) as (_, port):
        item = UserIdentityNegotiation(1, False, b"user")
        assert scu().associate("127.0.0.1", port, ext_neg=[item]).is_rejected
    assert "no directory" in caplog.text


def test_sop_class_extended_negotiation() -> None:
    common: list[dict[str, Any]] = []

    def agree(event: evt.Event) -> dict[str, Any]:
        common.append(event.items)
        return dict(event.items)

    handlers: list[EventHandlerType] = [
        (evt.EVT_SOP_EXTENDED, lambda event: {uid: info[::-1] for uid, info in event.app_info.items()}),
        (evt.EVT_SOP_COMMON, agree),
    ]
    with serving(handlers) as (ae, port):
        items: list[UserInformationItem] = [
            SOPClassExtendedNegotiation(CTImageStorage, b"\x01\x02"),
            SOPClassCommonExtendedNegotiation(CTImageStorage, "1.2.3", ["1.2.4"]),
        ]
        association = associated(port, ext_neg=items)
        assert association.acceptor.sop_class_extended == {CTImageStorage: b"\x02\x01"}
        assert list(common[0]) == [CTImageStorage]
        assert list(ae.active_associations[0].acceptor.agreed_common_extended) == [CTImageStorage]
        association.release()


def test_with_a_window_of_two_the_second_operation_answers_first() -> None:
    second_answered = threading.Event()

    def store(event: evt.Event) -> int:
        if event.message_id == 1:
            assert second_answered.wait(peers.DEADLINE)
        return 0

    handlers: list[EventHandlerType] = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_ASYNC_OPS, lambda event: (event.nr_invoked, event.nr_performed)),
    ]
    with serving(handlers) as (_, port):
        association = associated(port, ext_neg=[AsynchronousOperationsWindowNegotiation(2, 1)])
        assert association.acceptor.asynchronous_operations == (2, 1)
        order: list[int] = []

        def send(message_id: int) -> None:
            assert association.send_c_store(CT, msg_id=message_id).Status == 0
            order.append(message_id)

        first = threading.Thread(target=send, args=(1,))
        first.start()
        send(2)
        second_answered.set()
        first.join(peers.DEADLINE)
        assert order == [2, 1]
        association.release()


def test_without_a_handler_operations_are_one_at_a_time() -> None:
    with serving([(evt.EVT_C_STORE, lambda event: 0)]) as (_, port):
        association = associated(port, ext_neg=[AsynchronousOperationsWindowNegotiation(5, 5)])
        assert association.acceptor.asynchronous_operations == (1, 1)
        association.release()


def test_handlers_of_requested_come_before_any_answer() -> None:
    handlers: list[EventHandlerType] = [
        (evt.EVT_REQUESTED, lambda event: event.assoc.acse.send_reject(2, 1, 1)),
    ]
    with serving(handlers) as (_, port):
        rejected = scu().associate("127.0.0.1", port)
        assert rejected.is_rejected
        assert rejected.acceptor.primitive is not None
        assert rejected.acceptor.primitive.result == 2
    with serving([(evt.EVT_REQUESTED, lambda event: event.assoc.abort())]) as (_, port):
        assert scu().associate("127.0.0.1", port).is_aborted


# --- events ----------------------------------------------------------------------------------------------------------


def test_every_notification_event_of_an_echo() -> None:
    told = Told()
    names = [event for event in evt.EVENTS if event.is_notification]
    with serving([(event, told) for event in names]) as (_, port):
        association = associated(port)
        association.send_c_echo()
        association.release()
    seen: list[evt.Event] = []
    while not {evt.EVT_RELEASED, evt.EVT_CONN_CLOSE} <= {event.event for event in seen}:  # on threads of their own
        seen.append(told.next())
    heard = {event.event for event in seen}
    assert heard == set(names) - {evt.EVT_ABORTED, evt.EVT_REJECTED}
    data = b"".join(event.data for event in seen if event.event is evt.EVT_DATA_RECV)
    assert data[0] == 1
    steps = [(e.current_state, e.fsm_event, e.action, e.next_state) for e in seen if e.event is evt.EVT_FSM_TRANSITION]
    assert steps[0] == ("Sta1", "Evt5", "AE-5", "Sta2")
    assert steps[1] == ("Sta2", "Evt6", "AE-6", "Sta3")
    assert isinstance(next(event.pdu for event in seen if event.event is evt.EVT_PDU_RECV), A_ASSOCIATE)
    messages = [event.message.type.name for event in seen if event.event in (evt.EVT_DIMSE_RECV, evt.EVT_DIMSE_SENT)]
    assert messages == ["C-ECHO-RQ", "C-ECHO-RSP"]
    order = [event.event.name for event in seen]
    assert order.index("EVT_CONN_OPEN") < order.index("EVT_REQUESTED") < order.index("EVT_ACCEPTED")
    assert order.index("EVT_ACCEPTED") < order.index("EVT_ESTABLISHED") < order.index("EVT_RELEASED")


def test_handlers_of_notifications_may_use_the_association() -> None:
    """They wait for nobody but the peer: what happens meanwhile is told afterwards, in its order."""
    answered: queue.Queue[tuple[str, int]] = queue.Queue()

    def echo(event: evt.Event) -> None:
        status = event.assoc.send_c_echo(msg_id=9)
        answered.put((event.event.name, status.Status))

    def told(event: evt.Event) -> None:
        answered.put((event.event.name, event.message.type.command_field))

    handlers: list[EventHandlerType] = [
        (evt.EVT_ESTABLISHED, echo),
        (evt.EVT_DIMSE_SENT, told),
        (evt.EVT_DIMSE_RECV, told),
    ]
    with serving() as (_, port):
        association = associated(port, evt_handlers=handlers)
        association.release()
    found = [answered.get(timeout=peers.DEADLINE) for _ in range(3)]
    assert found == [("EVT_ESTABLISHED", 0), ("EVT_DIMSE_SENT", 0x0030), ("EVT_DIMSE_RECV", 0x8030)]


def test_a_peer_that_gives_up_during_negotiation_takes_no_place() -> None:
    entered, gone = threading.Event(), threading.Event()

    def slow(event: evt.Event) -> tuple[bool, None]:
        entered.set()
        assert gone.wait(peers.DEADLINE)
        return True, None

    ae = AE("SCP")
    ae.maximum_associations = 1
    with serving([(evt.EVT_USER_ID, slow)], ae) as (_, port):
        identity = UserIdentityNegotiation(user_identity_type=1, primary_field=b"me")
        requestor = scu()
        requestor.acse_timeout = 0.2
        assert not requestor.associate("127.0.0.1", port, ext_neg=[identity]).is_established
        assert entered.is_set()
        gone.set()
        [server] = ae._servers
        for association in server.active_associations:
            association.join(peers.DEADLINE)
        associated(port).release()


def test_the_requestor_is_told_as_well() -> None:
    told = Told()
    with serving() as (_, port):
        bound = [(event, told) for event in (evt.EVT_REQUESTED, evt.EVT_ACCEPTED, evt.EVT_RELEASED, evt.EVT_CONN_CLOSE)]
        association = associated(port, evt_handlers=bound)
        assert association.get_events() == sorted((event for event, _ in bound), key=str)
        association.release()
    assert [told.next().event for _ in bound] == [event for event, _ in bound] or told.events.empty()


def test_bind_and_unbind_while_it_runs() -> None:
    seen: list[int] = []

    def echo(event: evt.Event) -> int:
        seen.append(event.message_id)
        return 0

    with serving() as (ae, port):
        association = associated(port)
        server = ae._servers[0]
        server.bind(evt.EVT_C_ECHO, echo)
        association.send_c_echo(11)
        server.unbind(evt.EVT_C_ECHO, echo)
        association.send_c_echo(12)
        assert server.get_handlers(evt.EVT_C_ECHO) == (None, None)
        association.release()
    assert seen == [11]


def test_a_handler_that_raises_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: evt.Event) -> None:
        raise RuntimeError("handler fault")

    with serving([(evt.EVT_C_STORE, fail), (evt.EVT_ACCEPTED, fail)]) as (_, port):
        association = associated(port)
        assert association.send_c_store(CT).Status == 0xC211
        assert association.send_c_echo().Status == 0
        association.release()
    assert "handler fault" in caplog.text


# --- ends ------------------------------------------------------------------------------------------------------------


def test_abort_by_the_requestor() -> None:
    told = Told()
    with serving([(evt.EVT_ABORTED, told)]) as (_, port):
        association = associated(port)
        association.abort()
        assert association.is_aborted
        assert not association.dul.is_alive()
        assert told.next().assoc.is_aborted


def test_abort_from_a_handler() -> None:
    def store(event: evt.Event) -> int:
        event.assoc.abort()
        return 0

    with serving([(evt.EVT_C_STORE, store)]) as (_, port):
        association = associated(port)
        assert association.send_c_store(CT) == Dataset()
        assert association.is_aborted
        association.join(peers.DEADLINE)


def test_kill_ends_without_a_word() -> None:
    told = Told()
    with serving([(evt.EVT_ABORTED, told)]) as (_, port):
        association = associated(port)
        association.kill()
        association.join(peers.DEADLINE)
        assert not association.is_alive()
        told.next()


def test_a_peer_that_does_not_answer_costs_the_association() -> None:
    release = threading.Event()
    with serving([(evt.EVT_C_ECHO, lambda event: release.wait(peers.DEADLINE) and 0)]) as (_, port):
        ae = scu()
        ae.dimse_timeout = 0.1
        association = associated(port, ae)
        assert association.send_c_echo() == Dataset()
        assert association.is_aborted
        release.set()


def test_a_slow_handler_does_not() -> None:
    ae = AE()
    ae.network_timeout = 0.1
    ae.dimse_timeout = 0.1
    with serving([(evt.EVT_C_ECHO, lambda event: time.sleep(0.4) or 0)], ae) as (_, port):
        association = associated(port)
        assert association.send_c_echo().Status == 0
        association.release()
        assert association.is_released


@pytest.mark.parametrize("answer", ["A-ABORT", "A-RELEASE"])
def test_an_idle_association_ends(answer: str) -> None:
    with serving() as (_, port):
        association = associated(port)
        association.network_timeout_response = answer
        association.network_timeout = 0.1
        association.join(peers.DEADLINE)
        assert association.is_aborted == (answer == "A-ABORT")
        assert association.is_released == (answer == "A-RELEASE")


def test_setting_a_timeout_reaches_the_live_association() -> None:
    with serving() as (ae, port):
        association = associated(port)
        ae.network_timeout = 0.1
        association.join(peers.DEADLINE)
        assert association.is_aborted


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.0\r\n\r\n", b"\x01\x00\x00\x00\x01\x00only a part of it"])
@pytest.mark.parametrize("leaves", [True, False])
def test_who_asks_for_nothing_leaves_nothing_behind(said: bytes, leaves: bool) -> None:
    """A port scan, a balancer's check. At the latest ARTIM ends it."""
    ae = AE("SCP")
    ae.acse_timeout = 0.2
    told = Told()
    with serving([(evt.EVT_CONN_OPEN, told)], ae) as (_, port):
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for sock in silent:
            sock.sendall(said)
            if leaves:
                sock.close()
        for _ in silent:
            association = told.next().assoc
            association.join(peers.DEADLINE)
            assert not association.is_alive()
            assert not association.dul.is_alive()
            assert association.is_aborted
        for sock in silent:
            sock.close()


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    association = scu().associate("127.0.0.1", peers.free_port())
    assert association.is_aborted
    assert not association.is_alive()
    assert not association.dul.is_alive()
    assert "cannot connect" in caplog.text


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ae = scu()
        ae.acse_timeout = 0.1
        association = ae.associate("127.0.0.1", listener.getsockname()[1])
        assert association.is_aborted
        assert not association.dul.is_alive()


def test_shutdown_ends_everything() -> None:
    with serving() as (ae, port):
        associations = [associated(port) for _ in range(3)]
        ae.shutdown()
        for association in associations:
            association.join(peers.DEADLINE)
            assert association.is_aborted
        assert ae.active_associations == []
        assert scu().associate("127.0.0.1", port).is_aborted


def test_a_blocking_server_ends_with_a_keyboard_interrupt() -> None:
    code = """
from ul import AE, evt
ae = AE()
ae.add_supported_context("1.2.840.10008.1.1")
make = ae.make_server
def told(*args, **kwargs):
    server = make(*args, **kwargs)
    print(server.server_address[1], flush=True)
    return server
ae.make_server = told
print(ae.start_server(("127.0.0.1", 0)))
"""
    process = subprocess.Popen(peers.python("-c", code), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    association = associated(port, scu(Verification))
    process.send_signal(2)
    assert process.wait(peers.DEADLINE) == 0
    assert process.stdout.read().strip() == "None"
    association.join(peers.DEADLINE)
    assert association.is_aborted
    process.stdout.close()


def test_idle_associations_do_not_run() -> None:
    """They wait: all threads together use next to nothing while others converse."""
    ae = AE()
    ae.maximum_associations = 100
    with serving(ae=ae) as (_, port):
        idle = [associated(port) for _ in range(20)]
        clocks = [
            time.pthread_getcpuclockid(thread.ident)
            for thread in threading.enumerate()
            if thread.ident is not None and thread is not threading.current_thread()
        ]
        before = [time.clock_gettime(clock) for clock in clocks]
        association = associated(port)
        for _ in range(300):
            association.send_c_echo()
        after = [time.clock_gettime(clock) for clock in clocks]
        assert sum(after) - sum(before) < 0.02
        for ended in (*idle, association):
            ended.release()


def test_contexts_and_title_of_a_server_of_its_own() -> None:
    ae = AE()
    server = ae.start_server(("127.0.0.1", 0), block=False, ae_title=b"OTHER", contexts=[build_context(Verification)])
    assert server is not None
    ae.require_called_aet = True
    association = associated(server.server_address[1], scu(Verification), ae_title="OTHER")
    association.release()
    server.shutdown()


def test_logging_says_why(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ul"), serving() as (_, port):
        association = associated(port)
        association.abort()
    assert "aborted" in caplog.text
