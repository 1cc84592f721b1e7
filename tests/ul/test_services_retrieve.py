"""C-GET and C-MOVE, as SCP and as SCU: sub-operations, their counts, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conversation import EXPLICIT, IMPLICIT, Conversation
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from service_requests import ask, associated, data_set, instance, responses, send, statuses

from ul import data_sets, evt
from ul.acse import AcceptedContext
from ul.services.query_retrieve import cancel_request, get_request, move_request
from ul.services.storage import context_for_data_set
from ul.services.verification import echo_request
from ul.session_events import AssociationAborted, AssociationReleased, RequestReceived, Timeouts
from ul.sop_class import (
    CompositeInstanceRetrieveWithoutBulkDataGet,
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    Verification,
)
from ul.wire.command import Command

GET = PatientRootQueryRetrieveInformationModelGet
MOVE = PatientRootQueryRetrieveInformationModelMove
KEYS = data_set(QueryRetrieveLevel="PATIENT", PatientID="P")

Handler = Callable[[evt.Event], Any]
Counts = tuple[Any, Any, Any, Any]


def counts(response: Command) -> Counts:
    """(remaining, completed, failed, warning)"""
    return (
        response.NumberOfRemainingSuboperations,
        response.NumberOfCompletedSuboperations,
        response.NumberOfFailedSuboperations,
        response.NumberOfWarningSuboperations,
    )


def failed_instances(identifier: Dataset | None) -> list[str] | None:
    if identifier is None:
        return None
    uids = identifier.FailedSOPInstanceUIDList
    return [uids] if uids and isinstance(uids, str) else list(uids)


def outcome(conversation: Conversation) -> tuple[int, Counts, list[str] | None]:
    """The final response."""
    response, identifier = responses(conversation)[-1]
    return response.Status, counts(response), failed_instances(identifier)


def instances(number: int, announced: Any = None) -> Handler:
    def handle(event: evt.Event) -> Iterator[Any]:
        yield number if announced is None else announced
        for index in range(number):
            yield 0xFF00, instance(f"1.2.{index}")

    return handle


def yielding(*items: Any) -> Handler:
    def handle(event: evt.Event) -> Iterator[Any]:
        for item in items:
            if isinstance(item, Exception):
                raise item
            yield item

    return handle


# --- C-GET -----------------------------------------------------------------------------------------------------------


def getting(handler: Handler | None, *, model: str = GET, **changes: Any) -> Conversation:
    handlers = [] if handler is None else [(evt.EVT_C_GET, handler)]
    return associated(model, Verification, retrieved=[CTImageStorage], handlers=handlers, **changes)


def got(handler: Handler | None, store_status: Any = None, **changes: Any) -> Conversation:
    """The whole of a C-GET; the SCU answers its C-STOREs with Success, or as `store_status` does."""
    conversation = getting(handler, **changes)
    if store_status is not None:
        conversation.requestor.handlers.bind(evt.EVT_C_STORE, store_status)
        conversation.requestor.free_running = True
    return ask(conversation, get_request(1, changes.get("model", GET)), KEYS)


def test_instances_come_on_the_same_association() -> None:
    conversation = got(instances(2))
    assert [counts(response) for response, _ in responses(conversation)] == [
        (1, 1, 0, 0),
        (0, 2, 0, 0),
        (None, 2, 0, 0),
    ]
    assert statuses(conversation) == [0xFF00, 0xFF00, 0]
    assert failed_instances(responses(conversation)[-1][1]) is None
    stored = [e.operation.request for e in conversation.requestor.events if isinstance(e, RequestReceived)]
    assert [request.AffectedSOPInstanceUID for request in stored] == ["1.2.0", "1.2.1"]
    assert all(memory.kept for memory in conversation.requestor.instances)
    assert conversation.requestor.instances[0].data == data_sets.encode(instance("1.2.0"), IMPLICIT)


def test_the_scus_statuses_are_counted() -> None:
    answers = iter([0, 0xB000, 0xA700, 0xC000])
    conversation = got(instances(4), lambda event: next(answers))
    assert outcome(conversation) == (0xB000, (None, 1, 2, 1), ["1.2.2", "1.2.3"])
    assert counts(responses(conversation)[-2][0]) == (0, 1, 2, 1)


def test_all_that_fails_is_a_failure() -> None:
    conversation = got(instances(2), lambda event: 0xA700)
    assert outcome(conversation) == (0xA702, (None, 0, 2, 0), ["1.2.0", "1.2.1"])


def other_class() -> Dataset:
    return instance("1.2.9", MRImageStorage)


def compressed() -> Dataset:
    found = instance("1.2.9")
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.50"
    return found


def unencodable() -> Dataset:
    found = instance("1.2.9", Rows=1)
    found["Rows"]._value = "no number"
    return found


@pytest.mark.parametrize("make", [other_class, compressed, unencodable])
def test_an_instance_that_cannot_be_sent_fails_alone(make: Callable[[], Dataset]) -> None:
    conversation = got(yielding(2, (0xFF00, make()), (0xFF00, instance("1.2.1"))))
    assert outcome(conversation) == (0xB000, (None, 1, 1, 0), ["1.2.9"])
    assert len(conversation.acceptor.handler_faults) == 1


@pytest.mark.parametrize("nothing", [None, Dataset(), "text"])
def test_what_is_no_instance_counts_as_a_failure(nothing: Any) -> None:
    conversation = got(yielding(2, (0xFF00, nothing), (0xFF00, instance("1.2.1"))))
    assert outcome(conversation) == (0xB000, (None, 1, 1, 0), [])


@pytest.mark.parametrize(
    ("number", "status"),
    [("many", 0xC413), (None, 0xC413), ((1, 2), 0xC413), (65536, 0xC416), (0, 0), (-1, 0)],
)
def test_the_number_of_sub_operations(number: Any, status: int) -> None:
    assert statuses(got(yielding(number))) == [status]


def test_no_number_at_all() -> None:
    assert statuses(got(yielding())) == [0xC413]
    assert statuses(got(lambda event: None)) == [0xC413]


def test_no_sub_operations_are_reported_as_none() -> None:
    assert outcome(got(yielding(0))) == (0, (None, 0, 0, 0), None)


def test_further_items_are_ignored() -> None:
    conversation = got(yielding(1, (0xFF00, instance("1.2.1")), (0xFF00, instance("1.2.2"))))
    assert outcome(conversation) == (0, (None, 1, 0, 0), None)
    assert len(conversation.requestor.instances) == 1


def test_fewer_items_than_announced_are_what_there_is() -> None:
    assert outcome(got(instances(1, announced=3))) == (0, (None, 1, 0, 0), None)


@pytest.mark.parametrize("fault", [ValueError("amid"), (0xA701, None), (0xA701, data_set(PatientID="x"))])
def test_a_failure_amid_counts_the_rest_as_failed(fault: Any) -> None:
    status = 0xC411 if isinstance(fault, Exception) else 0xA701
    conversation = got(yielding(3, (0xFF00, instance("1.2.1")), fault))
    assert outcome(conversation) == (status, (None, 1, 2, 0), [])


def test_the_handlers_own_list_is_sent() -> None:
    given = data_set(FailedSOPInstanceUIDList=["1.2.7", "1.2.8"])
    assert outcome(got(yielding(2, (0xA702, given)))) == (0xA702, (None, 0, 2, 0), ["1.2.7", "1.2.8"])


def test_success_before_all_were_done() -> None:
    assert outcome(got(yielding(2, (0xFF00, instance("1.2.1")), (0, None)))) == (0, (None, 1, 0, 0), None)


def test_a_fault_after_the_last_instance_spoils_nothing() -> None:
    conversation = got(yielding(1, (0xFF00, instance("1.2.1")), ValueError("after")))
    assert outcome(conversation) == (0, (None, 1, 0, 0), None)
    assert len(conversation.acceptor.handler_faults) == 1


def test_a_handler_that_fails_at_once() -> None:
    def handle(event: evt.Event) -> Any:
        raise KeyError("surprise")

    assert statuses(got(handle)) == [0xC411]
    assert statuses(got(yielding(KeyError("surprise")))) == [0xC411]


def test_nobody_is_bound() -> None:
    conversation = got(None)
    assert statuses(ask(conversation, echo_request(2), context_id=3)) == [0xC411, 0]


def test_an_item_that_is_no_pair() -> None:
    assert outcome(got(yielding(2, 0xFF00))) == (0xC411, (None, 0, 2, 0), [])


def test_a_cancel_leaves_the_rest_remaining() -> None:
    def handle(event: evt.Event) -> Iterator[Any]:
        yield 3
        yield 0xFF00, instance("1.2.1")
        assert event.is_cancelled
        yield 0xFE00, None

    conversation = getting(handle)
    send(conversation, get_request(1, GET), KEYS)
    conversation.requestor.session.send(1, cancel_request(1), 0.0)
    assert outcome(conversation.run()) == (0xFE00, (2, 1, 0, 0), [])


def test_bulk_data_are_left_out_where_the_service_says_so() -> None:
    full = instance(
        "1.2.1", PixelData=b"\0" * 10, WaveformSequence=[data_set(WaveformData=b"\0\0", WaveformBitsStored=16)]
    )
    full["PixelData"].VR = "OW"
    full.WaveformSequence[0]["WaveformData"].VR = "OW"
    full.add_new(0x60023000, "OW", b"\0\0")
    conversation = got(yielding(1, (0xFF00, full)), model=CompositeInstanceRetrieveWithoutBulkDataGet)
    assert statuses(conversation) == [0xFF00, 0]
    memory: Any = conversation.requestor.instances[0]
    received = data_sets.decode(memory.open(), IMPLICIT)
    assert "PixelData" not in received
    assert 0x60023000 not in received
    assert [list(item.keys()) for item in received.WaveformSequence] == [[0x003A021A]]


def test_the_sub_operation_of_a_slow_scu_is_waited_for_as_long_as_the_dimse_timeout() -> None:
    conversation = getting(instances(1), timeouts=Timeouts(10.0, 20.0, 60.0))
    conversation.requestor.handlers.bind(evt.EVT_C_STORE, lambda event: 0)
    ask(conversation, get_request(1, GET), KEYS)
    assert conversation.requestor.session.deadline is None  # it is at work
    assert conversation.acceptor.session.deadline == 20.0
    conversation.at(20.0)
    assert isinstance(conversation.acceptor.events[-1], AssociationAborted)
    assert not conversation.acceptor.blocked


@pytest.mark.parametrize("how", ["release", "abort"])
def test_a_peer_that_leaves_amid_a_sub_operation(how: str) -> None:
    closed: list[bool] = []

    def handle(event: evt.Event) -> Iterator[Any]:
        try:
            yield 2
            yield 0xFF00, instance("1.2.1")
            yield 0xFF00, instance("1.2.2")
        finally:
            closed.append(True)

    conversation = getting(handle)
    conversation.requestor.handlers.bind(evt.EVT_C_STORE, lambda event: 0)
    ask(conversation, get_request(1, GET), KEYS)  # the C-STORE is with the SCU's handler
    assert len(conversation.requestor.blocked) == 1
    getattr(conversation.requestor.session, how)(0.0)
    conversation.run()
    assert closed == [True]
    ended = AssociationReleased if how == "release" else AssociationAborted
    assert isinstance(conversation.acceptor.events[-1], ended)
    assert isinstance(conversation.requestor.events[-1], ended)
    conversation.requestor.free_running = True
    conversation.run()
    assert not conversation.acceptor.faults + conversation.requestor.faults


def test_sub_operations_keep_to_the_window_of_the_scu() -> None:
    """Two C-GETs at a time over a window of two, while one place is taken by somebody else's request."""
    conversation = getting(instances(3), window=2)
    acceptor = conversation.acceptor
    conversation.requestor.handlers.bind(evt.EVT_C_STORE, lambda event: 0)
    send(conversation, get_request(1, GET), KEYS)
    send(conversation, get_request(2, GET), KEYS)
    conversation.run()
    assert len(conversation.requestor.session.operations) == 2
    conversation.requestor.free_running = True
    conversation.run()
    finals = [e.response for e, _ in conversation.requestor.answers if not e.pending]
    assert [counts(response) for response in finals] == [(None, 3, 0, 0)] * 2
    assert not acceptor.session.operations


def test_with_a_window_of_one_sub_operations_of_two_requests_take_turns() -> None:
    conversation = getting(instances(2), window=0)
    negotiated = conversation.acceptor.session.negotiated
    conversation.acceptor.session._negotiated = negotiated._replace(may_invoke=1)
    send(conversation, get_request(1, GET), KEYS)
    send(conversation, get_request(2, GET), KEYS)
    conversation.run()
    finals = [e.response for e, _ in conversation.requestor.answers if not e.pending]
    assert [counts(response) for response in finals] == [(None, 2, 0, 0)] * 2


def test_an_operation_that_the_model_does_not_have_is_unrecognized() -> None:
    conversation = associated(PatientRootQueryRetrieveInformationModelFind, handlers=[(evt.EVT_C_GET, instances(1))])
    assert statuses(ask(conversation, get_request(1, GET), KEYS)) == [0x0211]


@pytest.mark.parametrize(
    ("accepted", "own", "chosen"),
    [
        ([IMPLICIT, EXPLICIT], EXPLICIT, EXPLICIT),
        ([IMPLICIT], EXPLICIT, IMPLICIT),
        ([IMPLICIT], None, IMPLICIT),
        (["1.2.840.10008.1.2.4.50", IMPLICIT], "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.50"),
        ([IMPLICIT], "1.2.840.10008.1.2.4.50", None),
        (["1.2.840.10008.1.2.2"], EXPLICIT, None),
        (["1.2.840.10008.1.2.2"], "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.2"),
    ],
)
def test_the_context_for_an_instance(accepted: list[str], own: str | None, chosen: str | None) -> None:
    contexts = [AcceptedContext(2 * n + 1, CTImageStorage, uid, True, False) for n, uid in enumerate(accepted)]
    found = context_for_data_set(contexts, CTImageStorage, own)
    assert (found and found.transfer_syntax) == chosen
    assert context_for_data_set(contexts, MRImageStorage, own) is None
    assert context_for_data_set([c._replace(as_scu=False) for c in contexts], CTImageStorage, own) is None


# --- C-MOVE ----------------------------------------------------------------------------------------------------------


class Archive:
    """The association with a move destination."""

    def __init__(self, *answers: Any, established: bool = True) -> None:
        self.answers = iter(answers)
        self.is_established = established
        self.stored: list[tuple[str, dict[str, Any]]] = []
        self.released = 0

    def send_c_store(self, instance: Dataset, **arguments: Any) -> Dataset:
        self.stored.append((instance.SOPInstanceUID, arguments))
        answer = next(self.answers, 0)
        if isinstance(answer, Exception):
            raise answer
        return Dataset() if answer is None else data_set(Status=answer)

    def release(self) -> None:
        self.released += 1
        self.is_established = False


TO = ("10.0.0.1", 104)


def moved(handler: Handler | None, archive: Any = None) -> Conversation:
    handlers = [] if handler is None else [(evt.EVT_C_MOVE, handler)]
    conversation = associated(MOVE, Verification, handlers=handlers)
    conversation.acceptor.destination = Archive() if archive is None else archive
    return ask(conversation, move_request(7, MOVE, "ARCHIVE"), KEYS)


def test_instances_go_to_the_destination() -> None:
    archive = Archive()
    conversation = moved(yielding(TO, 2, (0xFF00, instance("1.2.1")), (0xFF00, instance("1.2.2"))), archive)
    assert [counts(response) for response, _ in responses(conversation)] == [
        (1, 1, 0, 0),
        (0, 2, 0, 0),
        (None, 2, 0, 0),
    ]
    assert conversation.acceptor.made_associations == [("10.0.0.1", 104, {"ae_title": "ARCHIVE"})]
    assert [uid for uid, _ in archive.stored] == ["1.2.1", "1.2.2"]
    assert archive.stored[0][1] == {"msg_id": 1, "originator_aet": "SCU", "originator_id": 7}
    assert archive.stored[1][1]["msg_id"] == 2
    assert archive.released == 1


def test_the_handler_may_say_how_to_associate() -> None:
    conversation = moved(yielding((*TO, {"ae_title": "OTHER", "max_pdu": 0}), 0))
    assert outcome(conversation) == (0, (None, 0, 0, 0), None)
    conversation = moved(yielding((*TO, {"ae_title": "OTHER", "max_pdu": 0}), 1, (0xFF00, instance())))
    assert conversation.acceptor.made_associations == [("10.0.0.1", 104, {"ae_title": "OTHER", "max_pdu": 0})]
    assert outcome(moved(yielding((*TO, None), 1, (0xFF00, instance())))) == (0, (None, 1, 0, 0), None)


def test_nothing_to_move_needs_no_association() -> None:
    conversation = moved(yielding(TO, 0))
    assert outcome(conversation) == (0, (None, 0, 0, 0), None)
    assert not conversation.acceptor.made_associations


@pytest.mark.parametrize(
    ("items", "status"),
    [
        ([], 0xC514),
        ([(None, None), 1], 0xA801),
        ([(None, 104), 1], 0xA801),
        ([("10.0.0.1", None), 1], 0xA801),
        ([5, 1], 0xC515),
        ([("10.0.0.1",), 1], 0xC515),
        ([(*TO, 5), 1], 0xC515),
        ([(*TO, {}, {}, {}), 1], 0xC515),
        ([TO], 0xC513),
        ([TO, "many"], 0xC513),
        ([TO, None], 0xC513),
        ([TO, 65536], 0xC516),
        ([ValueError("at once")], 0xC511),
        ([TO, ValueError("before the number")], 0xC511),
    ],
)
def test_what_a_move_handler_can_get_wrong(items: list[Any], status: int) -> None:
    conversation = moved(yielding(*items))
    assert statuses(conversation) == [status]
    assert not conversation.acceptor.made_associations
    assert statuses(ask(conversation, echo_request(8), context_id=3)) == [status, 0]


def test_nobody_is_bound_to_move() -> None:
    assert statuses(moved(None)) == [0xC511]
    assert statuses(moved(lambda event: None)) == [0xC514]


@pytest.mark.parametrize(
    ("archive", "status"), [(Archive(established=False), 0xA801), (TypeError("addr must be str"), 0xC515)]
)
def test_a_destination_that_cannot_be_reached(archive: Any, status: int) -> None:
    conversation = moved(yielding(TO, 1, (0xFF00, instance())), archive)
    assert statuses(conversation) == [status]


def test_what_the_destination_answers_is_counted() -> None:
    archive = Archive(0, 0xB007, 0xA700, RuntimeError("no context"), None)
    conversation = moved(yielding(TO, 5, *((0xFF00, instance(f"1.2.{n}")) for n in range(5))), archive)
    assert outcome(conversation) == (0xB000, (None, 1, 3, 1), ["1.2.2", "1.2.3", "1.2.4"])
    assert archive.released == 1


def test_a_move_that_fails_amid_releases_its_association() -> None:
    archive = Archive()
    conversation = moved(yielding(TO, 3, (0xFF00, instance("1.2.1")), ValueError("amid")), archive)
    assert outcome(conversation) == (0xC511, (None, 1, 2, 0), [])
    assert archive.released == 1


@pytest.mark.parametrize("how", ["release", "abort"])
def test_a_peer_that_leaves_amid_a_move(how: str) -> None:
    archive = Archive()
    closed: list[bool] = []

    def handle(event: evt.Event) -> Iterator[Any]:
        try:
            yield from (TO, 100, *((0xFF00, instance(f"1.2.{n}")) for n in range(100)))
        finally:
            closed.append(True)

    conversation = associated(MOVE, handlers=[(evt.EVT_C_MOVE, handle)])
    conversation.acceptor.destination = archive
    conversation.acceptor.free_running = False
    ask(conversation, move_request(7, MOVE, "ARCHIVE"), KEYS)
    while len(archive.stored) < 2:
        conversation.acceptor.unblock()
        conversation.run()
    getattr(conversation.requestor.session, how)(0.0)
    conversation.acceptor.free_running = True
    conversation.run()
    assert len(archive.stored) == 2
    assert (closed, archive.released) == ([True], 1)
    assert isinstance(
        conversation.requestor.events[-1], AssociationReleased if how == "release" else AssociationAborted
    )


def test_a_cancelled_move() -> None:
    def handle(event: evt.Event) -> Iterator[Any]:
        yield TO
        yield 2
        assert event.move_destination == "ARCHIVE"
        yield (0xFE00, None) if event.is_cancelled else (0xFF00, instance())

    conversation = associated(MOVE, handlers=[(evt.EVT_C_MOVE, handle)])
    conversation.acceptor.destination = Archive()
    send(conversation, move_request(7, MOVE, "ARCHIVE"), KEYS)
    conversation.requestor.session.send(1, cancel_request(7), 0.0)
    assert outcome(conversation.run()) == (0xFE00, (2, 0, 0, 0), [])
