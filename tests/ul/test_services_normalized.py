"""The N-services of every normalized SOP class, as performer and as invoker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conversation import EXPLICIT, Conversation
from pydicom import Dataset
from service_requests import ask, associated, data_set, responses, statuses

from ul import evt
from ul.services.normalized import (
    NORMALIZED,
    n_action_request,
    n_create_request,
    n_delete_request,
    n_event_report_request,
    n_get_request,
    n_set_request,
)
from ul.services.query_retrieve import find_request
from ul.services.registry import SERVICES, service_for
from ul.services.verification import echo_request
from ul.session_events import Operation
from ul.sop_class import (
    SERVICE_CLASSES,
    CTImageStorage,
    ModalityPerformedProcedureStep,
    UnifiedProcedureStepPush,
    Verification,
)
from ul.uid import UID
from ul.wire.command import C_ECHO_RQ, C_FIND_RQ, C_STORE_RQ, N_CREATE_RQ, Command

MPPS = ModalityPerformedProcedureStep
INSTANCE = "1.2.3"
INFORMATION = data_set(PatientID="P")

Handler = Callable[[evt.Event], Any]


def event_report() -> tuple[Command, Dataset | None]:
    return n_event_report_request(1, MPPS, INSTANCE, 2, with_data_set=True), INFORMATION


def get() -> tuple[Command, Dataset | None]:
    return n_get_request(1, MPPS, INSTANCE, [0x00100010, 0x00100020]), None


def set_() -> tuple[Command, Dataset | None]:
    return n_set_request(1, MPPS, INSTANCE), INFORMATION


def action() -> tuple[Command, Dataset | None]:
    return n_action_request(1, MPPS, INSTANCE, 3, with_data_set=True), INFORMATION


def create() -> tuple[Command, Dataset | None]:
    return n_create_request(1, MPPS, INSTANCE, with_data_set=True), INFORMATION


def delete() -> tuple[Command, Dataset | None]:
    return n_delete_request(1, MPPS, INSTANCE), None


# The request, its event, and what a handler reads of it.
ROWS: list[tuple[Callable[[], tuple[Command, Dataset | None]], evt.InterventionEvent, Handler, Any]] = [
    (event_report, evt.EVT_N_EVENT_REPORT, lambda e: (e.event_type, e.event_information.PatientID), (2, "P")),
    (get, evt.EVT_N_GET, lambda e: [int(tag) for tag in e.attribute_identifiers], [0x00100010, 0x00100020]),
    (set_, evt.EVT_N_SET, lambda e: e.modification_list.PatientID, "P"),
    (action, evt.EVT_N_ACTION, lambda e: (e.action_type, e.action_information.PatientID), (3, "P")),
    (create, evt.EVT_N_CREATE, lambda e: e.attribute_list.PatientID, "P"),
    (delete, evt.EVT_N_DELETE, lambda e: e.request.RequestedSOPInstanceUID, INSTANCE),
]
ANSWERED = [row for row in ROWS if row[0] is not delete]  # with a data set


def named(rows: Any) -> dict[str, Any]:
    return {"argvalues": rows, "ids": [row[0].__name__ for row in rows]}


def asked(row: Any, handler: Handler, request: Any = None, **changes: Any) -> Conversation:
    conversation = associated(MPPS, Verification, handlers=[(row[1], handler)], **changes)
    return ask(conversation, *(request or row[0]()))


@pytest.mark.parametrize("row", **named(ROWS))
def test_what_a_handler_reads(row: Any) -> None:
    seen: list[Any] = []

    def handle(event: evt.Event) -> Any:
        seen.append(row[2](event))
        return 0 if row[0] is delete else (0, None)

    conversation = asked(row, handle, transfer_syntax=EXPLICIT)
    assert seen == [row[3]]
    [(response, answer)] = responses(conversation)
    assert (response.Status, response.AffectedSOPClassUID, response.AffectedSOPInstanceUID) == (0, MPPS, INSTANCE)
    assert answer is None
    assert (response.EventTypeID, response.ActionTypeID) == (
        2 if row[0] is event_report else None,
        3 if row[0] is action else None,
    )


@pytest.mark.parametrize("status", [0, 0xB300, 0x0107, 0x0001])
@pytest.mark.parametrize("row", **named(ANSWERED))
def test_success_and_warning_take_a_data_set_along(row: Any, status: int) -> None:
    conversation = asked(row, lambda event: (status, data_set(PatientID="Q")), transfer_syntax=EXPLICIT)
    [(response, answer)] = responses(conversation)
    assert response.Status == status
    assert answer is not None
    assert answer.PatientID == "Q"


@pytest.mark.parametrize("status", [0x0110, 0xC300, 0xA700, 0x0112, 0x1234])
@pytest.mark.parametrize("row", **named(ANSWERED))
def test_a_failure_does_not(row: Any, status: int) -> None:
    conversation = asked(row, lambda event: (status, data_set(PatientID="Q")))
    assert [(response.Status, answer) for response, answer in responses(conversation)] == [(status, None)]


def fail(event: evt.Event) -> Any:
    raise ValueError("no")


def bad_value(event: evt.Event) -> Any:
    answer = data_set(Rows=1)
    answer["Rows"]._value = "no number"
    return 0, answer


@pytest.mark.parametrize(
    "handler",
    [fail, bad_value, lambda e: None, lambda e: 0, lambda e: (0,), lambda e: (0, "text"), lambda e: (0, 1, 2)],
)
@pytest.mark.parametrize("row", **named(ANSWERED))
def test_a_handler_that_fails_is_0110(row: Any, handler: Handler) -> None:
    conversation = asked(row, handler)
    assert statuses(conversation) == [0x0110]
    assert len(conversation.acceptor.handler_faults) == 1
    assert not conversation.acceptor.faults
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [0x0110, 0]


@pytest.mark.parametrize(
    ("answer", "status"),
    [(0, 0), (0x0112, 0x0112), (data_set(Status=0x0124), 0x0124), (None, 0xC002), ((0, None), 0xC002)],
)
def test_n_delete_answers_a_bare_status(answer: Any, status: int) -> None:
    assert statuses(asked(ROWS[-1], lambda event: answer)) == [status]
    assert statuses(asked(ROWS[-1], fail)) == [0x0110]


@pytest.mark.parametrize(("status", "sent"), [(data_set(ErrorID=1), 0xC001), ("0", 0xC002), (None, 0xC002)])
@pytest.mark.parametrize("row", **named(ANSWERED))
def test_what_is_no_status(row: Any, status: Any, sent: int) -> None:
    assert statuses(asked(row, lambda event: (status, None))) == [sent]


def test_a_data_set_as_status() -> None:
    status = data_set(
        Status=0x0107, ErrorComment="half of it", ErrorID=5, AttributeIdentifierList=[0x00100010, 0x00100020]
    )
    conversation = asked(ROWS[1], lambda event: (status, None))
    response = responses(conversation)[0][0]
    assert (response.ErrorComment, response.ErrorID) == ("half of it", 5)
    assert response.AttributeIdentifierList == [0x00100010, 0x00100020]


@pytest.mark.parametrize("row", **named(ROWS))
def test_nobody_is_bound(row: Any) -> None:
    conversation = ask(associated(MPPS), *row[0]())
    assert statuses(conversation) == [0x0110]
    assert not conversation.acceptor.handler_faults


def test_requests_without_their_data_set() -> None:
    request = n_action_request(1, MPPS, INSTANCE, 3)
    seen: list[int] = []

    def handle(event: evt.Event) -> Any:
        seen.append(len(event.action_information))
        return 0, None

    assert statuses(asked(ROWS[3], handle, (request, None))) == [0]
    assert seen == [0]


# -- N-CREATE: who names the instance


def created(attributes: Dataset | None, status: int = 0, uid: str | None = None) -> tuple[int, Any, Any]:
    request = n_create_request(1, MPPS, uid), None
    conversation = asked(ROWS[4], lambda event: (status, attributes), request)
    [(response, answer)] = responses(conversation)
    return response.Status, response.AffectedSOPInstanceUID, answer and list(answer.keys())


def test_an_instance_that_the_invoker_did_not_name_is_named_by_the_handler() -> None:
    assert created(data_set(AffectedSOPInstanceUID="1.2.9", PatientID="Q")) == (0, "1.2.9", [0x00100020])
    assert created(data_set(AffectedSOPInstanceUID="1.2.9")) == (0, "1.2.9", None)
    assert created(None)[0] == 0x0110
    assert created(data_set(PatientID="Q"))[0] == 0x0110
    assert created(None, 0x0124) == (0x0124, None, None)


def test_an_instance_that_the_invoker_named_keeps_its_name_unless_the_handler_says_so() -> None:
    assert created(None, uid="1.2.3") == (0, "1.2.3", None)
    assert created(data_set(AffectedSOPInstanceUID="1.2.9"), uid="1.2.3") == (0, "1.2.9", None)


# -- which SOP class has which services


def operation(sop_class: str, message: Any) -> Any:
    conversation = associated(sop_class)
    context = conversation.acceptor.session.negotiated.contexts[1]
    return Operation(Command(message, MessageID=1), context, conversation.acceptor.session, 0.0)


NORMALIZED_CLASSES = [uid for uid, name in SERVICE_CLASSES.items() if N_CREATE_RQ in SERVICES.get(name, {N_CREATE_RQ})]


@pytest.mark.parametrize("sop_class", NORMALIZED_CLASSES, ids=lambda uid: UID(uid).keyword)
def test_every_normalized_sop_class_has_all_six(sop_class: str) -> None:
    services = {service_for(operation(sop_class, message)) for message in NORMALIZED}
    assert {service.__name__ for service in services} == {"perform_normalized"}


def test_normalized_sop_classes_are_many() -> None:
    assert len(NORMALIZED_CLASSES) >= 50


@pytest.mark.parametrize(
    ("sop_class", "message", "service"),
    [
        (Verification, C_ECHO_RQ, "perform_echo"),
        (Verification, C_STORE_RQ, "refuse"),
        (Verification, N_CREATE_RQ, "refuse"),
        (CTImageStorage, C_STORE_RQ, "perform_store"),
        (CTImageStorage, C_FIND_RQ, "refuse"),
        ("1.2.840.99999.1", C_STORE_RQ, "perform_store"),
        ("1.2.840.99999.1", N_CREATE_RQ, "refuse"),
        (MPPS, C_FIND_RQ, "refuse"),
        (UnifiedProcedureStepPush, N_CREATE_RQ, "perform_normalized"),
    ],
)
def test_the_service_of_a_request(sop_class: str, message: Any, service: str) -> None:
    assert service_for(operation(sop_class, message)).__name__ == service


def test_a_print_session_is_asked_for_by_another_class_than_its_context() -> None:
    """Meta SOP classes: the context is of the meta class, the request names a class of it (PS3.4 H)."""
    meta, film_session = "1.2.840.10008.5.1.1.9", "1.2.840.10008.5.1.1.1"
    conversation = associated(meta, handlers=[(evt.EVT_N_CREATE, lambda event: (0, None))])
    ask(conversation, n_create_request(1, film_session, INSTANCE))
    assert responses(conversation)[0][0].AffectedSOPClassUID == film_session


def test_an_acceptor_reports_events_to_its_requestor() -> None:
    conversation = associated(MPPS)
    conversation.requestor.handlers.bind(evt.EVT_N_EVENT_REPORT, lambda event: (0, None))
    conversation.requestor.free_running = True
    conversation.acceptor.session.send(1, n_event_report_request(1, MPPS, INSTANCE, 1), 0.0)
    conversation.run()
    assert [received.response.Status for received, _ in conversation.acceptor.answers] == [0]


def test_find_on_a_normalized_class_is_unrecognized() -> None:
    assert statuses(ask(associated(MPPS), find_request(1, MPPS), INFORMATION)) == [0x0211]
