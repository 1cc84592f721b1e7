"""C-ECHO and C-STORE where handlers answer them, and what a response gets of a store's outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conversation import EXPLICIT, Conversation
from service_requests import INSTANCE, ask, associated, data_set, instance, responses, statuses

from ul import evt
from ul.errors import StatusError
from ul.services.storage import store_request
from ul.services.verification import echo_request
from ul.session_events import AssociationAborted, AssociationReleased
from ul.sop_class import CTImageStorage, MRImageStorage, Verification
from ul.status import Status

Handler = Callable[[evt.Event], Any]


def fail(event: evt.Event) -> Any:
    raise ValueError("no")


def leave(event: evt.Event) -> Any:
    raise SystemExit(1)


# --- C-STORE ---------------------------------------------------------------------------------------------------------


def storing(handler: Handler | None, **changes: Any) -> Conversation:
    handlers = [] if handler is None else [(evt.EVT_C_STORE, handler)]
    return associated(CTImageStorage, Verification, handlers=handlers, **changes)


def stored(handler: Handler | None, **changes: Any) -> Conversation:
    return ask(storing(handler, **changes), store_request(1, CTImageStorage, INSTANCE), instance())


def test_a_handler_gets_the_instance() -> None:
    seen: list[Any] = []

    def handle(event: evt.Event) -> int:
        request = event.request
        seen.append((event.dataset.PatientName, request.AffectedSOPInstanceUID, event.file_meta.TransferSyntaxUID))
        seen.append((event.encoded_dataset()[128:132], len(request.DataSet.getvalue()), event.context.context_id))
        return 0

    conversation = stored(handle, transfer_syntax=EXPLICIT)
    size = len(conversation.acceptor.data_sets[0].data)
    assert seen == [("A^B", INSTANCE, EXPLICIT), (b"DICM", size, 1)]
    assert statuses(conversation) == [0]
    assert not conversation.acceptor.instances


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (0, 0),
        (Status.SUCCESS, 0),
        (0xA700, 0xA700),
        (0xB000, 0xB000),
        (0x1234, 0x1234),
        (data_set(Status=0xC123), 0xC123),
        (data_set(ErrorComment="x"), 0xC001),
        (None, 0xC002),
        ("0000", 0xC002),
        ((0, None), 0xC002),
        (0x10000, 0xC002),
    ],
)
def test_the_statuses_of_a_store_handler(answer: Any, status: int) -> None:
    conversation = stored(lambda event: answer)
    assert statuses(conversation) == [status]
    assert not conversation.acceptor.faults


def test_a_comment_reaches_the_peer() -> None:
    answer = data_set(Status=0xA900, ErrorComment="not ours", OffendingElement=0x00080016, ErrorID=3)
    response = responses(stored(lambda event: answer))[0][0]
    assert (response.ErrorComment, response.OffendingElement, response.ErrorID) == ("not ours", [0x00080016], None)


@pytest.mark.parametrize("handler", [fail, leave, lambda event: event.identifier])
def test_a_store_handler_that_fails(handler: Handler) -> None:
    conversation = stored(handler)
    assert statuses(conversation) == [0xC211]
    assert len(conversation.acceptor.handler_faults) == 1
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [0xC211, 0]


def test_a_data_set_that_cannot_be_kept_reaches_no_handler() -> None:
    conversation = storing(fail)
    conversation.acceptor.too_large = StatusError(0xA700, "No space left on device")
    ask(conversation, store_request(1, CTImageStorage, INSTANCE), instance())
    assert responses(conversation)[0][0].ErrorComment == "No space left on device"
    assert statuses(conversation) == [0xA700]
    assert not conversation.acceptor.handler_faults
    assert conversation.acceptor.data_sets[0].discarded


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"sop_class_uid": MRImageStorage}, 0xA900), ({"sop_instance_uid": ""}, 0x0117)],
)
def test_what_is_checked_before_a_handler_is_asked(changes: dict[str, Any], status: int) -> None:
    arguments = {"sop_class_uid": CTImageStorage, "sop_instance_uid": INSTANCE, **changes}
    conversation = ask(storing(fail), store_request(1, **arguments), instance())
    assert statuses(conversation) == [status]
    assert not conversation.acceptor.handler_faults
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [status, 0]


def test_a_store_may_say_more_than_success() -> None:
    conversation = storing(None)
    conversation.acceptor.outcome = {"Status": 0xB000, "ErrorComment": "coerced"}
    ask(conversation, store_request(1, CTImageStorage, INSTANCE), instance())
    conversation.acceptor.outcome = {"ErrorComment": "twice"}
    ask(conversation, store_request(2, CTImageStorage, INSTANCE), instance())
    found = [(response.Status, response.ErrorComment) for response, _ in responses(conversation)]
    assert found == [(0xB000, "coerced"), (0, "twice")]


@pytest.mark.parametrize("how", ["release", "abort"])
def test_a_sender_that_leaves_while_its_handler_runs(how: str) -> None:
    """After release it still gets its response; after an abort nobody does, and nothing is left behind."""
    conversation = storing(lambda event: 0)
    conversation.acceptor.free_running = False
    ask(conversation, store_request(1, CTImageStorage, INSTANCE), instance())
    getattr(conversation.requestor.session, how)(0.0)
    conversation.run()
    conversation.acceptor.free_running = True
    conversation.run()
    assert statuses(conversation) == ([0] if how == "release" else [])
    ended = AssociationReleased if how == "release" else AssociationAborted
    assert isinstance(conversation.acceptor.events[-1], ended)
    assert conversation.acceptor.data_sets[0].discarded


def test_with_a_window_of_two_the_second_operation_answers_first() -> None:
    conversation = storing(lambda event: 0, window=2)
    conversation.acceptor.free_running = False
    ask(conversation, store_request(1, CTImageStorage, INSTANCE), instance())
    ask(conversation, store_request(2, CTImageStorage, "1.2.5"), instance("1.2.5"))
    assert len(conversation.acceptor.blocked) == 2
    conversation.acceptor.blocked.reverse()
    conversation.acceptor.free_running = True
    conversation.run()
    assert [response.MessageIDBeingRespondedTo for response, _ in responses(conversation)] == [2, 1]


# --- C-ECHO ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "status", "faults"),
    [
        (lambda event: 0, 0, 0),
        (lambda event: 0x0122, 0x0122, 0),
        (lambda event: data_set(Status=0x0122), 0x0122, 0),
        (lambda event: data_set(ErrorComment="x"), 0, 0),
        (lambda event: None, 0, 0),
        (lambda event: "text", 0, 0),
        (fail, 0, 1),
        (leave, 0, 1),
    ],
)
def test_the_statuses_of_an_echo_handler(handler: Handler, status: int, faults: int) -> None:
    conversation = associated(Verification, handlers=[(evt.EVT_C_ECHO, handler)])
    assert statuses(ask(conversation, echo_request(1))) == [status]
    assert len(conversation.acceptor.handler_faults) == faults


def test_an_echo_that_nobody_is_bound_to_is_answered_at_once() -> None:
    conversation = associated(Verification)
    conversation.acceptor.free_running = False
    assert statuses(ask(conversation, echo_request(1))) == [0]
