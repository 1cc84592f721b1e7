"""What handlers do to the association that they are called for: ask its peer, raise, outlive it."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import peers
import pytest
from pydicom import Dataset, dcmread
from two_aes import CT, Told, associated, scu, serving

from ul import AE, _config, build_role, evt
from ul.evt import EventHandlerType
from ul.pdu_primitives import (
    A_RELEASE,
    AsynchronousOperationsWindowNegotiation,
    UserIdentityNegotiation,
    UserInformationItem,
)
from ul.sop_class import (
    CTImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    Verification,
)

VARIABLE = ContextVar("VARIABLE", default="not set")
BOTH_ROLES = build_role(Verification, scu_role=True, scp_role=True)
SEVERAL_AT_A_TIME: EventHandlerType = (evt.EVT_ASYNC_OPS, lambda event: (event.nr_invoked, event.nr_performed))


def window(size: int) -> AsynchronousOperationsWindowNegotiation:
    return AsynchronousOperationsWindowNegotiation(size, size)


# --- a handler that asks the peer back -------------------------------------------------------------------------------


def ask(event: evt.Event) -> Dataset:
    status: Dataset = event.assoc.send_c_echo()
    return status


def have_it_asked(event: evt.Event) -> Dataset:
    """On another thread, which the handler waits for."""
    answers: list[Dataset] = []
    thread = threading.Thread(target=lambda: answers.append(ask(event)))
    thread.start()
    thread.join()
    return answers[0]


class Asks:
    """An SCP whose C-STORE handler asks for a C-ECHO, and an SCU that lets it wait for the answer."""

    def __init__(self, how: Any) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.answer: list[Dataset] = []
        self.answered = threading.Event()
        self._how = how

    def store(self, event: evt.Event) -> int:
        self.answer.append(self._how(event))
        self.answered.set()
        return 0

    def echo(self, event: evt.Event) -> int:
        self.asked.set()
        self.may_answer.wait(peers.DEADLINE)
        return 0


@pytest.mark.parametrize("windows", [[], [window(2)]], ids=["one at a time", "two"])
@pytest.mark.parametrize("how", [ask, have_it_asked])
def test_a_peer_that_does_not_answer_a_handler_costs_the_association(
    how: Any, windows: list[UserInformationItem]
) -> None:
    asks, ae = Asks(how), AE("SCP")
    ae.dimse_timeout = 0.3
    with serving([(evt.EVT_C_STORE, asks.store), SEVERAL_AT_A_TIME], ae) as (_, port):
        handlers = [(evt.EVT_C_ECHO, asks.echo)]
        association = associated(port, ext_neg=[BOTH_ROLES, *windows], evt_handlers=handlers)
        assert association.send_c_store(CT) == Dataset()
        assert asks.answered.wait(peers.DEADLINE)
        asks.may_answer.set()
        association.join(peers.DEADLINE)
        assert association.is_aborted
    assert asks.answer == [Dataset()]


def test_the_time_a_handler_takes_is_its_own_before_and_after_it_asks() -> None:
    ae = AE("SCP")
    ae.dimse_timeout = ae.network_timeout = 0.3

    def store(event: evt.Event) -> int:
        for _ in range(2):
            threading.Event().wait(0.4)
            assert ask(event).Status == 0
        threading.Event().wait(0.4)
        return 0

    with serving([(evt.EVT_C_STORE, store)], ae) as (_, port):
        association = associated(port, ext_neg=[BOTH_ROLES])
        assert association.send_c_store(CT).Status == 0
        association.release()
        assert association.is_released


def test_the_time_a_handler_takes_for_an_instance_is_not_the_peers_that_waits_for_it() -> None:
    """The response to a C-GET is not due before those to its C-STORE requests."""
    model, ae = (
        PatientRootQueryRetrieveInformationModelGet,
        scu(CTImageStorage, PatientRootQueryRetrieveInformationModelGet),
    )
    ae.dimse_timeout = ae.network_timeout = 0.3

    def get(event: evt.Event) -> Iterator[Any]:
        yield 1
        yield 0xFF00, dcmread(CT)

    def store(event: evt.Event) -> int:
        threading.Event().wait(0.6)
        return 0

    scp = AE("SCP")
    scp.add_supported_context(model)
    with serving([(evt.EVT_C_GET, get)], scp) as (_, port):
        roles = [build_role(CTImageStorage, scp_role=True)]
        association = associated(port, ae, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, store)])
        assert [status.Status for status, _ in association.send_c_get(Dataset(), model)] == [0xFF00, 0]
        association.release()
        assert association.is_released


ON_THE_PROVIDERS_THREAD = [
    *(evt.EVT_DATA_RECV, evt.EVT_DATA_SENT, evt.EVT_PDU_RECV, evt.EVT_PDU_SENT, evt.EVT_FSM_TRANSITION),
]


@pytest.mark.parametrize("verb", ["send_c_echo", "release"])
@pytest.mark.parametrize("event", ON_THE_PROVIDERS_THREAD)
def test_a_handler_on_the_providers_thread_cannot_wait_for_the_peer(event: evt.EventType, verb: str) -> None:
    """It is that thread which would bring the answer. What does not wait may be asked for there."""
    refused = queue.Queue[str]()

    def waits(event: evt.Event) -> None:
        if event.assoc.is_established:
            try:
                getattr(event.assoc, verb)()
            except RuntimeError as error:
                refused.put(str(error))

    with serving() as (_, port):
        association = associated(port, evt_handlers=[(event, waits)])
        assert association.send_c_echo().Status == 0
        assert "have another thread do it" in refused.get(timeout=peers.DEADLINE)
        association.unbind(event, waits)
        association.release()
        assert association.is_released


def test_a_handler_on_the_providers_thread_cannot_wait_for_what_another_asked() -> None:
    refused, begun = queue.Queue[str](), threading.Event()
    model = PatientRootQueryRetrieveInformationModelFind

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        for _ in range(5):
            yield 0xFF00, Dataset()

    def waits(event: evt.Event) -> None:
        if begun.is_set() and refused.empty():
            with pytest.raises(RuntimeError) as raised:
                next(responses)
            refused.put(str(raised.value))

    with serving([(evt.EVT_C_FIND, find)]) as (_, port):
        association = associated(port, scu(model, Verification), evt_handlers=[(evt.EVT_PDU_SENT, waits)])
        responses = association.send_c_find(Dataset(), model)
        begun.set()
        assert association.send_c_echo(2).Status == 0
        assert "have another thread do it" in refused.get(timeout=peers.DEADLINE)
        association.release()


def test_other_handlers_are_never_told_on_the_providers_thread() -> None:
    """Whatever a handler does there: the others may wait for the peer."""
    told, aborted = Told(), Told()

    def abort(event: evt.Event) -> None:
        if event.assoc.is_established:
            event.assoc.abort(block=False)

    with serving() as (_, port):
        association = associated(port)
        association.bind(evt.EVT_ABORTED, lambda event: told.events.put(threading.current_thread()))
        association.bind(evt.EVT_PDU_SENT, abort)
        association.bind(evt.EVT_ABORTED, aborted)
        assert association.send_c_echo() == Dataset()
        aborted.next()
        assert told.next() is not association.dul
        association.join(peers.DEADLINE)


@pytest.mark.parametrize("how", [ask, have_it_asked])
def test_a_peer_that_asks_for_release_answers_no_handler(how: Any) -> None:
    asks = Asks(how)
    with serving([(evt.EVT_C_STORE, asks.store)]) as (_, port):
        handlers = [(evt.EVT_C_ECHO, asks.echo)]
        association = associated(port, ext_neg=[BOTH_ROLES], evt_handlers=handlers)
        storing = threading.Thread(target=association.send_c_store, args=[CT])
        storing.start()
        assert asks.asked.wait(peers.DEADLINE)
        releasing = threading.Thread(target=association.release)
        releasing.start()
        assert asks.answered.wait(peers.DEADLINE)
        asks.may_answer.set()
        storing.join(peers.DEADLINE)
        releasing.join(peers.DEADLINE)
        assert association.is_released
    assert asks.answer == [Dataset()]


@pytest.mark.parametrize("windows", [[], [window(2)]], ids=["one at a time", "two"])
def test_a_handler_that_releases_what_its_peer_has_asked_to_release_is_not_waited_for(
    windows: list[UserInformationItem],
) -> None:
    begun, asked_for_release = threading.Event(), threading.Event()

    def store(event: evt.Event) -> int:
        begun.set()
        asked_for_release.wait(peers.DEADLINE)
        event.assoc.release()
        return 0

    def heard(event: evt.Event) -> None:
        if isinstance(event.pdu, A_RELEASE):
            asked_for_release.set()

    with serving([(evt.EVT_C_STORE, store), (evt.EVT_PDU_RECV, heard), SEVERAL_AT_A_TIME]) as (_, port):
        ae = scu()
        ae.acse_timeout = 2
        association = associated(port, ae, ext_neg=windows)
        storing = threading.Thread(target=association.send_c_store, args=[CT])
        storing.start()
        assert begun.wait(peers.DEADLINE)
        association.release()
        assert association.is_released
        storing.join(peers.DEADLINE)


def test_a_handler_cannot_wait_for_instances_that_would_wait_for_it() -> None:
    model, refused = PatientRootQueryRetrieveInformationModelGet, Told()

    def store(event: evt.Event) -> int:
        with pytest.raises(RuntimeError, match="invoke it on a thread"):
            event.assoc.send_c_get(Dataset(), model)
        refused(event)
        return 0

    ae = AE("SCP")
    ae.add_supported_context(model, scu_role=True, scp_role=True)
    with serving([(evt.EVT_C_STORE, store)], ae) as (_, port):
        roles = [build_role(model, scu_role=True, scp_role=True)]
        association = associated(port, scu(CTImageStorage, model), ext_neg=roles)
        assert association.send_c_store(CT).Status == 0
        association.release()
    assert refused.next()


def test_a_peer_that_asks_for_release_while_a_handler_runs_is_released_and_gone() -> None:
    begun, may_end, released = threading.Event(), threading.Event(), Told()

    def store(event: evt.Event) -> int:
        begun.set()
        may_end.wait(peers.DEADLINE)
        return 0

    asked_for_release = threading.Event()

    def heard(event: evt.Event) -> None:
        if isinstance(event.pdu, A_RELEASE):
            asked_for_release.set()

    handlers = [(evt.EVT_C_STORE, store), (evt.EVT_RELEASED, released), (evt.EVT_PDU_RECV, heard)]
    with serving(handlers) as (ae, port):
        association = associated(port)
        storing = threading.Thread(target=association.send_c_store, args=[CT])
        storing.start()
        assert begun.wait(peers.DEADLINE)
        releasing = threading.Thread(target=association.release)
        releasing.start()
        assert asked_for_release.wait(peers.DEADLINE)
        may_end.set()
        for thread in (storing, releasing):
            thread.join(peers.DEADLINE)
        assert association.is_released
        released.next().assoc.join(peers.DEADLINE)
        assert ae.active_associations == []


@pytest.mark.parametrize("side", ["requestor", "acceptor"])
def test_what_is_not_accepted_yet_cannot_be_released(side: str) -> None:
    handlers: list[EventHandlerType] = [(evt.EVT_REQUESTED, lambda event: event.assoc.release())]
    with serving(handlers if side == "acceptor" else []) as (_, port):
        association = associated(port, evt_handlers=handlers if side == "requestor" else [])
        assert association.send_c_echo().Status == 0
        association.release()


# --- a handler that raises what ends a thread ------------------------------------------------------------------------


def leave(event: evt.Event) -> None:
    sys.exit("a handler's last word")


@pytest.mark.parametrize("event", [evt.EVT_REQUESTED, evt.EVT_DIMSE_RECV])
def test_a_notification_handler_cannot_end_its_thread(event: evt.EventType, caplog: pytest.LogCaptureFixture) -> None:
    with serving([(event, leave)]) as (_, port):
        association = associated(port)
        assert [association.send_c_echo(number).Status for number in (1, 2)] == [0, 0]
        association.release()
    assert f"{event}: its handler leave failed" in caplog.text


def test_a_negotiation_handler_cannot_either() -> None:
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 1, b"user"
    with serving([(evt.EVT_USER_ID, leave)]) as (_, port):
        association = scu().associate("127.0.0.1", port, ext_neg=[identity])
        assert association.is_rejected


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_ends_the_thread_all_the_same_ends_the_association() -> None:
    def interrupt(event: evt.Event) -> None:
        raise KeyboardInterrupt

    with serving([(evt.EVT_C_ECHO, interrupt)]) as (_, port):
        association = associated(port)
        assert association.send_c_echo() == Dataset()
        association.join(peers.DEADLINE)
        assert association.is_aborted


# --- a handler that outlives its association -------------------------------------------------------------------------


@pytest.mark.parametrize("windows", [[], [window(2)]], ids=["one at a time", "two"])
def test_a_generator_is_closed_after_the_end(
    windows: list[UserInformationItem], caplog: pytest.LogCaptureFixture
) -> None:
    begun, closed = threading.Event(), threading.Event()

    def find(event: evt.Event) -> Iterator[tuple[int, Dataset]]:
        try:
            begun.set()
            event.assoc.dul.join(peers.DEADLINE)
            yield 0xFF00, Dataset()
            raise AssertionError("nobody wants another")
        finally:
            closed.set()

    model = PatientRootQueryRetrieveInformationModelFind
    with serving([(evt.EVT_C_FIND, find), SEVERAL_AT_A_TIME]) as (_, port):
        association = associated(port, scu(model), ext_neg=windows)
        asking = threading.Thread(target=lambda: list(association.send_c_find(Dataset(), model)))
        asking.start()
        assert begun.wait(peers.DEADLINE)
        association.abort()
        assert closed.wait(peers.DEADLINE)
        asking.join(peers.DEADLINE)
    assert "failed" not in caplog.text


# --- what a handler finds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("windows", [[], [window(2)]], ids=["one at a time", "two"])
@pytest.mark.parametrize(("passed", "found"), [(True, "set"), (False, "not set")])
def test_context_variables_come_along_where_that_is_wanted(
    passed: bool, found: str, windows: list[UserInformationItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_config, "PASS_CONTEXTVARS", passed)
    seen = set()

    def see(event: evt.Event) -> int:
        seen.add((str(event.event), VARIABLE.get()))
        return 0

    token = VARIABLE.set("set")
    try:
        events = (evt.EVT_C_ECHO, evt.EVT_CONN_OPEN, evt.EVT_DATA_RECV)
        with serving([*((event, see) for event in events), SEVERAL_AT_A_TIME]) as (_, port):
            association = associated(port, ext_neg=windows)
            assert association.send_c_echo().Status == 0
            association.release()
    finally:
        VARIABLE.reset(token)
    assert seen == {(str(event), found) for event in events}


# --- what a handler is told ------------------------------------------------------------------------------------------


def test_the_sub_operations_of_a_retrieval_are_told_on_both_sides() -> None:
    model = PatientRootQueryRetrieveInformationModelGet

    def get(event: evt.Event) -> Iterator[Any]:
        yield 1
        yield 0xFF00, dcmread(CT)

    def messages(told: Told) -> list[str]:
        return [f"{event.event} {event.message.type.name}" for event in list(told.events.queue)]

    scp, at_scp, at_scu = AE("SCP"), Told(), Told()
    scp.add_supported_context(model)
    notified = (evt.EVT_DIMSE_RECV, evt.EVT_DIMSE_SENT)
    with serving([(evt.EVT_C_GET, get), *((event, at_scp) for event in notified)], scp) as (_, port):
        handlers = [(evt.EVT_C_STORE, lambda event: 0), *((event, at_scu) for event in notified)]
        roles = [build_role(CTImageStorage, scp_role=True)]
        association = associated(port, scu(model, CTImageStorage), ext_neg=roles, evt_handlers=handlers)
        assert [status.Status for status, _ in association.send_c_get(Dataset(), model)] == [0xFF00, 0]
        association.release()
        association.join(peers.DEADLINE)
    assert messages(at_scp) == [
        "EVT_DIMSE_RECV C-GET-RQ",
        "EVT_DIMSE_SENT C-STORE-RQ",
        "EVT_DIMSE_RECV C-STORE-RSP",
        "EVT_DIMSE_SENT C-GET-RSP",
        "EVT_DIMSE_SENT C-GET-RSP",
    ]
    assert messages(at_scu) == [
        "EVT_DIMSE_SENT C-GET-RQ",
        "EVT_DIMSE_RECV C-STORE-RQ",
        "EVT_DIMSE_SENT C-STORE-RSP",
        "EVT_DIMSE_RECV C-GET-RSP",
        "EVT_DIMSE_RECV C-GET-RSP",
    ]
