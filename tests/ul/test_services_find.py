"""C-FIND, as SCP and as SCU: matches, how they end, and everything that comes between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from conversation import EXPLICIT, Conversation, bytewise
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from service_requests import ask, associated, data_set, responses, send, statuses

from ul import evt
from ul.errors import StatusError
from ul.services.query_retrieve import cancel_request, find_request
from ul.services.registry import SERVICES
from ul.services.verification import echo_request
from ul.session_events import AssociationAborted, AssociationReleased, Timeouts
from ul.sop_class import (
    SERVICE_CLASSES,
    ModalityWorklistInformationModelFind,
    PatientRootQueryRetrieveInformationModelFind,
    UnifiedProcedureStepPull,
    Verification,
)
from ul.uid import UID
from ul.wire.command import C_FIND_RQ

MODEL = PatientRootQueryRetrieveInformationModelFind
KEYS = data_set(QueryRetrieveLevel="PATIENT", PatientID="*")

Handler = Callable[[evt.Event], Any]


def found(handler: Handler, **changes: Any) -> Conversation:
    """The whole of a C-FIND that `handler` answers."""
    conversation = associated(MODEL, Verification, handlers=[(evt.EVT_C_FIND, handler)], **changes)
    return ask(conversation, find_request(1, MODEL), KEYS)


def match(number: int) -> Dataset:
    return data_set(PatientID=f"P{number}", PatientName="A^B")


def matches(count: int, event: evt.Event) -> Iterator[Any]:
    for number in range(count):
        yield 0xFF00, match(number)


def test_matches_come_one_by_one_and_success_at_the_end() -> None:
    seen: list[Any] = []

    def handle(event: evt.Event) -> Iterator[Any]:
        seen.append((event.identifier.PatientID, event.message_id, event.context.abstract_syntax, event.is_cancelled))
        yield 0xFF00, match(1)
        yield 0xFF01, match(2)

    conversation = found(handle, transfer_syntax=EXPLICIT)
    assert statuses(conversation) == [0xFF00, 0xFF01, 0]
    assert [d and d.PatientID for _, d in responses(conversation)] == ["P1", "P2", None]
    assert [event.pending for event, _ in conversation.requestor.answers] == [True, True, False]
    assert seen == [("*", 1, MODEL, False)]
    assert all(sink.discarded or sink.kept for sink in conversation.acceptor.data_sets)
    assert not conversation.acceptor.session.operations


FIND_CLASSES = [uid for uid, name in SERVICE_CLASSES.items() if C_FIND_RQ in SERVICES.get(name, {})]


@pytest.mark.parametrize(
    "sop_class",
    [uid for uid in FIND_CLASSES if UID(uid).keyword.endswith(("Find", "Query"))],
    ids=lambda u: UID(u).keyword,
)
def test_every_information_model_is_searched(sop_class: str) -> None:
    conversation = associated(sop_class, handlers=[(evt.EVT_C_FIND, partial(matches, 1))])
    ask(conversation, find_request(1, sop_class), KEYS)
    assert statuses(conversation) == [0xFF00, 0]


@pytest.mark.parametrize("sop_class", [ModalityWorklistInformationModelFind, UnifiedProcedureStepPull])
def test_worklists_are_searched(sop_class: str) -> None:
    conversation = associated(sop_class, handlers=[(evt.EVT_C_FIND, partial(matches, 3))])
    assert statuses(ask(conversation, find_request(1, sop_class), KEYS)) == [0xFF00] * 3 + [0]


def test_relevant_classes_are_many() -> None:
    assert len([uid for uid in FIND_CLASSES if UID(uid).keyword.endswith(("Find", "Query"))]) >= 20


@pytest.mark.parametrize(
    "answer", [lambda event: None, lambda event: [], lambda event: iter(()), partial(matches, 0)], ids=range(4)
)
def test_no_match_is_success(answer: Handler) -> None:
    assert statuses(found(answer)) == [0]


def test_a_list_will_do() -> None:
    assert statuses(found(lambda event: [(0xFF00, match(1)), (0xFF00, match(2))])) == [0xFF00, 0xFF00, 0]


# -- statuses


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC000, 0x0122, 0xFE00, 0xB001, 0x0000, 0x1234])
def test_any_status_but_pending_is_the_last(status: int) -> None:
    closed: list[bool] = []

    def handle(event: evt.Event) -> Iterator[Any]:
        try:
            yield 0xFF00, match(1)
            yield status, None
            yield 0xFF00, match(2)
        finally:
            closed.append(True)

    assert statuses(found(handle)) == [0xFF00, status]
    assert closed == [True]


def test_a_data_set_as_status_gives_its_elements_to_the_response() -> None:
    status = data_set(Status=0xA900, ErrorComment="no such level", OffendingElement=[0x00080052], MessageID=9)
    conversation = found(lambda event: [(status, None)])
    response = responses(conversation)[0][0]
    assert (response.Status, response.ErrorComment, response.OffendingElement) == (
        0xA900,
        "no such level",
        [0x00080052],
    )
    assert response.MessageID is None


@pytest.mark.parametrize(
    ("status", "sent"),
    [(data_set(ErrorComment="x"), 0xC001), ("0000", 0xC002), (None, 0xC002), (-1, 0xC002), (0x10000, 0xC002)],
)
def test_what_is_no_status(status: Any, sent: int) -> None:
    assert statuses(found(lambda event: [(status, None)])) == [sent]


BAD = data_set(PatientName="A")
BAD.Rows = 1
BAD["Rows"]._value = "no number"


@pytest.mark.parametrize("identifier", [None, "text", BAD], ids=["none", "text", "bad value"])
def test_an_identifier_that_cannot_be_encoded(identifier: Any) -> None:
    conversation = found(lambda event: [(0xFF00, match(1)), (0xFF00, identifier), (0xFF00, match(2))])
    assert statuses(conversation) == [0xFF00, 0xC312]
    assert len(conversation.acceptor.handler_faults) == 1


def fail_before(event: evt.Event) -> Any:
    raise ValueError("before")


def fail_in_generator(event: evt.Event) -> Iterator[Any]:
    yield 0xFF00, match(1)
    raise ValueError("amid")


def leave(event: evt.Event) -> Any:
    raise SystemExit


def yield_no_pair(event: evt.Event) -> Iterator[Any]:
    yield 0xFF00, match(1)
    yield 0xFF00


@pytest.mark.parametrize(
    ("handler", "sent"),
    [
        (fail_before, [0xC311]),
        (leave, [0xC311]),
        (fail_in_generator, [0xFF00, 0xC311]),
        (yield_no_pair, [0xFF00, 0xC311]),
        (lambda event: 0xFF00, [0xC311]),
        (lambda event: event.attribute_list, [0xC311]),
    ],
)
def test_a_handler_that_fails(handler: Handler, sent: list[int]) -> None:
    conversation = found(handler)
    assert statuses(conversation) == sent
    assert len(conversation.acceptor.handler_faults) == 1
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [*sent, 0]


def test_nobody_is_bound() -> None:
    conversation = ask(associated(MODEL), find_request(1, MODEL), KEYS)
    assert statuses(conversation) == [0xC311]
    assert not conversation.acceptor.faults


@pytest.mark.parametrize("late", [True, False])
def test_an_identifier_that_cannot_be_kept(late: bool) -> None:
    conversation = associated(MODEL, Verification, handlers=[(evt.EVT_C_FIND, partial(matches, 1))])
    refusal = StatusError(0xA700, "too large")
    if late:
        conversation.acceptor.too_large = refusal
    else:
        conversation.acceptor.refuse_with = refusal
    assert statuses(ask(conversation, find_request(1, MODEL), KEYS)) == [0xA700]
    assert responses(conversation)[0][0].ErrorComment == "too large"
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [0xA700, 0]


# -- cancel


def until_cancelled(event: evt.Event) -> Iterator[Any]:
    for number in range(1000):
        if event.is_cancelled:
            yield 0xFE00, None
            return
        yield 0xFF00, match(number)


def test_a_cancel_in_the_same_segment_is_honoured() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, until_cancelled)])
    send(conversation, find_request(1, MODEL), KEYS)
    conversation.requestor.session.send(1, cancel_request(1), 0.0)
    assert statuses(conversation.run()) == [0xFE00]


def test_a_cancel_amid_the_matches_is_honoured() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, until_cancelled)])
    conversation.acceptor.free_running = False
    ask(conversation, find_request(1, MODEL), KEYS)
    for _ in range(3):
        conversation.acceptor.unblock()
        conversation.run()
    ask(conversation, cancel_request(1))
    conversation.acceptor.free_running = True
    assert statuses(conversation.run()) == [0xFF00] * 3 + [0xFE00]


def test_a_cancel_for_something_else_is_ignored() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, partial(matches, 2))])
    send(conversation, find_request(1, MODEL), KEYS)
    conversation.requestor.session.send(1, cancel_request(7), 0.0)
    assert statuses(conversation.run()) == [0xFF00, 0xFF00, 0]


# -- release and abort


class Watched:
    """A handler that never ends by itself, and what happened to it."""

    def __init__(self) -> None:
        self.yielded = 0
        self.closed = False

    def __call__(self, event: evt.Event) -> Iterator[Any]:
        try:
            while True:
                self.yielded += 1
                yield 0xFF00, match(self.yielded)
        finally:
            self.closed = True


def amid(handler: Handler) -> Conversation:
    """Two matches were sent, the third is being looked for."""
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, handler)])
    conversation.acceptor.free_running = False
    ask(conversation, find_request(1, MODEL), KEYS)
    for _ in range(2):
        conversation.acceptor.unblock()
        conversation.run()
    assert statuses(conversation) == [0xFF00, 0xFF00]
    return conversation


def test_a_release_request_ends_the_iteration_before_the_next_item_is_sent() -> None:
    handler = Watched()
    conversation = amid(handler)
    conversation.requestor.session.release(0.0)
    conversation.run()
    assert conversation.requestor.session.state == "releasing"
    conversation.acceptor.free_running = True
    conversation.run()
    assert handler.closed
    assert handler.yielded == 3
    assert statuses(conversation) == [0xFF00, 0xFF00]
    assert conversation.requestor.events[-1] == conversation.acceptor.events[-1] == AssociationReleased()


@pytest.mark.parametrize("side", ["requestor", "acceptor"])
def test_after_an_abort_the_generator_is_closed_and_its_item_dropped(side: str) -> None:
    handler = Watched()
    conversation = amid(handler)
    getattr(conversation, side).session.abort(0.0)
    conversation.run()
    conversation.acceptor.free_running = True
    conversation.run()
    assert handler.closed
    assert handler.yielded == 3
    assert conversation.acceptor.sent() == b""
    assert all(
        isinstance(end.events[-1], AssociationAborted) for end in (conversation.acceptor, conversation.requestor)
    )
    assert conversation.acceptor.data_sets[0].discarded


def test_a_peer_that_leaves_before_its_identifier_is_whole() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, Watched())], maximum_length=60)
    send(conversation, find_request(1, MODEL), KEYS)
    request = conversation.requestor.session.next_request(0.0)
    while request is not None and not conversation.acceptor.data_sets:
        conversation.requestor.upper.request(request, 0.0)
        conversation.acceptor.take(conversation.requestor.sent())
        request = conversation.requestor.session.next_request(0.0)
    conversation.requestor.session.abort(0.0)
    conversation.run()
    assert conversation.acceptor.data_sets[0].discarded
    assert not conversation.acceptor.blocked


def test_what_a_handler_raises_when_it_is_closed_is_logged() -> None:
    def handle(event: evt.Event) -> Iterator[Any]:
        try:
            while True:
                yield 0xFF00, match(1)
        finally:
            raise ValueError("at the end")

    conversation = amid(handle)
    conversation.requestor.session.release(0.0)
    conversation.acceptor.free_running = True
    conversation.run()
    assert conversation.requestor.events[-1] == AssociationReleased()
    assert len(conversation.acceptor.handler_faults) == 1


def test_a_slow_handler_does_not_cost_the_association_its_life() -> None:
    conversation = associated(
        MODEL, handlers=[(evt.EVT_C_FIND, partial(matches, 1))], timeouts=Timeouts(10.0, None, 20.0)
    )
    conversation.acceptor.free_running = False
    ask(conversation, find_request(1, MODEL), KEYS)
    conversation.at(1000.0)
    conversation.acceptor.unblock()
    conversation.at(2000.0)
    conversation.acceptor.free_running = True
    assert statuses(conversation.run()) == [0xFF00, 0]
    assert conversation.acceptor.session.deadline == 2020.0


# -- windows


def test_two_queries_at_a_time_answer_as_they_finish() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, partial(matches, 1))], window=2)
    conversation.acceptor.free_running = False
    send(conversation, find_request(1, MODEL), KEYS)
    ask(conversation, find_request(2, MODEL), KEYS)
    acceptor = conversation.acceptor
    assert len(acceptor.blocked) == 2
    acceptor.blocked.reverse()
    acceptor.free_running = True
    conversation.run()
    finals = [e.response.MessageIDBeingRespondedTo for e, _ in conversation.requestor.answers if not e.pending]
    assert sorted(finals) == [1, 2]
    assert statuses(conversation).count(0xFF00) == 2


def test_a_cancel_fits_a_full_window_and_means_the_query_it_names() -> None:
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, until_cancelled)], window=2)
    send(conversation, find_request(1, MODEL), KEYS)
    send(conversation, find_request(2, MODEL), KEYS)
    conversation.requestor.session.send(1, cancel_request(2), 0.0)
    conversation.requestor.session.send(1, cancel_request(1), 0.0)
    assert statuses(conversation.run()) == [0xFE00, 0xFE00]


# -- any split of the stream


def test_every_byte_alone() -> None:
    assert statuses(found(partial(matches, 3), cut=bytewise)) == [0xFF00] * 3 + [0]


@settings(max_examples=50)
@given(data=st.data())
def test_any_split_gives_the_same_answers(data: st.DataObject) -> None:
    def cut(stream: bytes) -> Iterator[bytes]:
        edges = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=6))})
        for start, stop in pairwise(edges):
            yield stream[start:stop]

    count = data.draw(st.integers(0, 4))
    conversation = found(partial(matches, count), cut=cut, maximum_length=data.draw(st.sampled_from([16, 64, 131072])))
    assert statuses(conversation) == [0xFF00] * count + [0]
    assert [d.PatientID for _, d in responses(conversation) if d is not None] == [f"P{n}" for n in range(count)]


# -- a peer that does not listen


def test_matches_are_found_no_faster_than_the_peer_takes_them() -> None:
    handler = Watched()
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, handler)])
    conversation.acceptor.free_running = False
    ask(conversation, find_request(1, MODEL), KEYS)
    acceptor = conversation.acceptor
    while acceptor.blocked:  # nothing is taken from the session
        acceptor.unblock()
    assert handler.yielded < 20
    assert acceptor.session.unsent == handler.yielded
    yielded = handler.yielded
    acceptor.pump()
    assert acceptor.blocked
    acceptor.unblock()
    assert handler.yielded == yielded + 1
    conversation.requestor.session.abort(0.0)
    acceptor.free_running = True
    conversation.run()
    assert handler.closed


def test_a_peer_that_leaves_while_nothing_more_is_sent_to_it() -> None:
    handler = Watched()
    conversation = associated(MODEL, handlers=[(evt.EVT_C_FIND, handler)])
    conversation.acceptor.free_running = False
    ask(conversation, find_request(1, MODEL), KEYS)
    while conversation.acceptor.blocked:
        conversation.acceptor.unblock()
    conversation.acceptor.upper.receive_eof(0.0)
    conversation.acceptor.free_running = True
    conversation.acceptor.pump()
    conversation.run()
    assert handler.closed
