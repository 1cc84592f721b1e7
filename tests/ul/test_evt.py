"""Events: the table, what a handler finds in each Event, and who is called when; the second opinion is pynetdicom's."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import zlib
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
import pynetdicom.events
import pytest
from pydicom.tag import BaseTag, Tag

import ul
from ul import data_sets, evt
from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, AcceptedContext
from ul.evt import EVENTS, Event, Handlers, InterventionEvent, NotificationEvent
from ul.received import Request, preface
from ul.sop_class import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PatientRootQueryRetrieveInformationModelFind,
)
from ul.wire import command
from ul.wire.command import MESSAGES, Command

INSTANCE = "1.2.3.4"

# --- the table, written a second time from the API's description: attributes, default, status where the handler raises
QUERY = {"request", "context", "message_id", "identifier"}
N = {"request", "context", "message_id"}
INTERVENTION: dict[str, tuple[set[str], Any, int | None]] = {
    "EVT_ASYNC_OPS": ({"nr_invoked", "nr_performed"}, None, None),
    "EVT_C_ECHO": (N, 0x0000, 0x0000),
    "EVT_C_FIND": (QUERY, None, 0xC311),
    "EVT_C_GET": (QUERY, None, 0xC411),
    "EVT_C_MOVE": (QUERY | {"move_destination"}, None, 0xC511),
    "EVT_C_STORE": (N | {"dataset", "file_meta", "encoded_dataset", "dataset_path"}, None, 0xC211),
    "EVT_N_ACTION": (N | {"action_type", "action_information"}, None, 0x0110),
    "EVT_N_CREATE": (N | {"attribute_list"}, None, 0x0110),
    "EVT_N_DELETE": (N, None, 0x0110),
    "EVT_N_EVENT_REPORT": (N | {"event_type", "event_information"}, None, 0x0110),
    "EVT_N_GET": (N | {"attribute_identifiers"}, None, 0x0110),
    "EVT_N_SET": (N | {"modification_list"}, None, 0x0110),
    "EVT_SOP_COMMON": ({"items"}, {}, None),
    "EVT_SOP_EXTENDED": ({"app_info"}, {}, None),
    "EVT_USER_ID": ({"user_id_type", "primary_field", "secondary_field"}, (True, None), None),
}
NOTIFICATION = {
    "EVT_ABORTED": set(),
    "EVT_ACCEPTED": set(),
    "EVT_ACSE_RECV": {"primitive"},
    "EVT_ACSE_SENT": {"primitive"},
    "EVT_CONN_CLOSE": {"address"},
    "EVT_CONN_OPEN": {"address"},
    "EVT_DATA_RECV": {"data"},
    "EVT_DATA_SENT": {"data"},
    "EVT_DIMSE_RECV": {"message"},
    "EVT_DIMSE_SENT": {"message"},
    "EVT_ESTABLISHED": set(),
    "EVT_FSM_TRANSITION": {"action", "current_state", "fsm_event", "next_state"},
    "EVT_PDU_RECV": {"pdu"},
    "EVT_PDU_SENT": {"pdu"},
    "EVT_REJECTED": set(),
    "EVT_RELEASED": set(),
    "EVT_REQUESTED": set(),
}


def test_the_table_says_what_the_api_says() -> None:
    found = {row.name: (set(row.attributes), row.default, row.failure) for row in EVENTS if row.is_intervention}  # type: ignore[attr-defined]
    assert found == INTERVENTION
    assert {row.name: set(row.attributes) for row in EVENTS if row.is_notification} == NOTIFICATION
    assert len(EVENTS) == 32


def test_the_events_are_pynetdicoms() -> None:
    theirs = {name: event for name, event in vars(pynetdicom.events).items() if name.startswith("EVT_")}
    assert {row.name for row in EVENTS} == set(theirs)
    for row in EVENTS:
        their = theirs[row.name]
        assert getattr(evt, row.name) is row
        assert (row.is_intervention, row.is_notification) == (their.is_intervention, their.is_notification)
        assert isinstance(row, InterventionEvent if their.is_intervention else NotificationEvent)
        assert str(row) == str(their)
        assert row.description


def test_every_intervention_says_what_it_asks_for() -> None:
    assert all(row.answers for row in EVENTS if isinstance(row, InterventionEvent))


def test_an_event_is_one_of_a_kind() -> None:
    assert copy.deepcopy(evt.EVT_C_STORE) is evt.EVT_C_STORE
    assert pickle.loads(pickle.dumps(evt.EVT_RELEASED)) is evt.EVT_RELEASED
    assert ul.evt.EVT_C_STORE is evt.EVT_C_STORE


def test_every_request_has_its_event() -> None:
    requests = [row for row in MESSAGES if row.is_request and row is not command.C_CANCEL_RQ]
    assert {str(evt.request_event(row)) for row in requests} == {
        name for name in INTERVENTION if name[4:6] in ("C_", "N_")
    }
    assert evt.request_event(command.N_EVENT_REPORT_RQ) is evt.EVT_N_EVENT_REPORT


# --- what a handler finds


class Kept:
    """A data set as a shell may keep it: a file with `front` before the data set."""

    def __init__(self, folder: Path, encoded: bytes, front: bytes = b"") -> None:
        self.file = folder / "spooled.dcm"
        self.front = len(front)
        self.file.write_bytes(front + encoded)
        self.times_read = 0

    def getvalue(self, before: bytes = b"") -> bytes:
        with self.open() as file:
            return before + file.read()

    def open(self) -> BinaryIO:
        self.times_read += 1
        file = self.file.open("rb")
        file.seek(self.front)
        return file

    def path(self) -> Path:
        return self.file


def an_image() -> pydicom.Dataset:
    image = pydicom.Dataset()
    image.SOPClassUID = pydicom.uid.CTImageStorage
    image.SOPInstanceUID = INSTANCE
    image.PatientName = "Doe^Jane"
    image.Rows = 512
    image.ReferencedImageSequence = [pydicom.Dataset()]
    image.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    return image


def encoded_in(transfer_syntax: str, data_set: pydicom.Dataset) -> bytes:
    """Encoded by pydicom alone."""
    syntax = pydicom.uid.UID(transfer_syntax)
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, data_set, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    encoded = buffer.getvalue()
    if syntax.is_deflated:
        compressor = zlib.compressobj(wbits=-15)
        encoded = compressor.compress(encoded) + compressor.flush()
    return encoded


class Stored:
    """An EVT_C_STORE and where its data set is kept."""

    def __init__(self, folder: Path, transfer_syntax: str = ExplicitVRLittleEndian) -> None:
        request = Command(
            command.C_STORE_RQ,
            MessageID=7,
            AffectedSOPClassUID=str(CTImageStorage),
            AffectedSOPInstanceUID=INSTANCE,
            Priority=0,
            CommandDataSetType=1,
        )
        self.encoded = encoded_in(transfer_syntax, an_image())
        self.kept = Kept(folder, self.encoded, preface(request, transfer_syntax))
        context = AcceptedContext(5, str(CTImageStorage), str(transfer_syntax), False, True)
        self.event = Event("assoc", evt.EVT_C_STORE, request=Request(request, self.kept, 5), context=context)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return Stored(tmp_path)


SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_the_data_set_decodes_in_every_uncompressed_transfer_syntax(tmp_path: Path, transfer_syntax: str) -> None:
    assert Stored(tmp_path, transfer_syntax).event.dataset == an_image()


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_what_is_encoded_decodes_to_the_same(transfer_syntax: str) -> None:
    encoded = data_sets.encode(an_image(), transfer_syntax)
    assert len(encoded) % 2 == 0
    assert data_sets.decode(BytesIO(encoded), transfer_syntax) == an_image()


def test_the_data_set_is_decoded_once(stored: Stored) -> None:
    assert stored.event.dataset is stored.event.dataset
    assert stored.kept.times_read == 1


def test_asking_for_the_bytes_in_between_does_not_decode_again(stored: Stored) -> None:
    decoded = stored.event.dataset
    assert stored.event.request.DataSet.getvalue() == stored.encoded
    assert stored.event.dataset is decoded


def test_the_data_set_can_be_saved_with_the_file_meta_of_the_event(stored: Stored, tmp_path: Path) -> None:
    decoded = stored.event.dataset
    assert not hasattr(decoded, "file_meta")
    decoded.file_meta = stored.event.file_meta
    decoded.save_as(tmp_path / "saved.dcm", enforce_file_format=True)
    saved = pydicom.dcmread(tmp_path / "saved.dcm")
    assert saved == an_image()
    assert saved.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_the_file_meta_is_pynetdicoms_but_for_who_wrote_it(stored: Stored) -> None:
    meta = stored.event.file_meta
    theirs = pynetdicom.dsutils.create_file_meta(
        sop_class_uid=pydicom.uid.UID(CTImageStorage),
        sop_instance_uid=pydicom.uid.UID(INSTANCE),
        transfer_syntax=pydicom.uid.ExplicitVRLittleEndian,
        implementation_uid=pydicom.uid.UID(IMPLEMENTATION_CLASS_UID),
        implementation_version=IMPLEMENTATION_VERSION_NAME,
    )
    assert meta == theirs
    assert meta is not stored.event.file_meta


def test_the_encoded_data_set_is_the_peers_bytes_behind_file_meta(stored: Stored) -> None:
    assert stored.event.encoded_dataset(include_meta=False) == stored.encoded
    assert stored.event.encoded_dataset(False) == stored.encoded
    whole = stored.event.encoded_dataset()
    assert whole.startswith(bytes(128) + b"DICM")
    assert whole.endswith(stored.encoded)
    read = pydicom.dcmread(BytesIO(whole))
    assert read == an_image()
    expected = stored.event.file_meta
    expected.FileMetaInformationGroupLength = read.file_meta.FileMetaInformationGroupLength
    assert read.file_meta == expected


def test_the_file_of_the_data_set(stored: Stored) -> None:
    assert stored.event.dataset_path.read_bytes() == stored.event.encoded_dataset()


def test_the_request_by_keyword(stored: Stored) -> None:
    request = stored.event.request
    assert (request.MessageID, request.Priority, request._context_id, request.msg_type) == (7, 0, 5, "C-STORE")
    assert (request.AffectedSOPClassUID, request.AffectedSOPInstanceUID) == (CTImageStorage, INSTANCE)
    assert request.AffectedSOPClassUID.name == "CT Image Storage"
    assert (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID) == (None, None)
    assert copy.copy(request).MessageID == 7
    with pytest.raises(AttributeError, match="C-STORE-RQ has no EventTypeID"):
        request.EventTypeID  # noqa: B018
    with pytest.raises(AttributeError, match="C-STORE-RQ has no Identifier"):
        request.Identifier  # noqa: B018


def test_the_data_set_of_the_request_is_a_bytesio(stored: Stored) -> None:
    stream = stored.event.request.DataSet
    assert isinstance(stream, BytesIO)
    assert stream is stored.event.request.DataSet
    assert (stream.getvalue(), stream.tell()) == (stored.encoded, 0)
    assert pydicom.dcmread(stream, force=True).Rows == 512


def test_a_replaced_data_set_is_decoded_in_place_of_the_received(stored: Stored) -> None:
    received = stored.event.dataset
    other = an_image()
    other.Rows = 1
    stored.event.request.DataSet = BytesIO(encoded_in(ExplicitVRLittleEndian, other))
    assert (received.Rows, stored.event.dataset.Rows) == (512, 1)
    assert stored.event.dataset is stored.event.dataset
    assert stored.event.encoded_dataset(False) == stored.event.request.DataSet.getvalue()


def test_the_context(stored: Stored) -> None:
    context = stored.event.context
    assert context == (5, "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    assert context.abstract_syntax.name == "CT Image Storage"
    assert not context.transfer_syntax.is_implicit_VR


def test_every_event_has_association_kind_and_time(stored: Stored) -> None:
    assert (stored.event.assoc, stored.event.event, stored.event.message_id) == ("assoc", evt.EVT_C_STORE, 7)
    assert abs((datetime.now() - stored.event.timestamp).total_seconds()) < 60
    assert "EVT_C_STORE" in repr(stored.event)
    assert stored.event.is_cancelled is False


CONTEXT = AcceptedContext(
    1, str(PatientRootQueryRetrieveInformationModelFind), str(ImplicitVRLittleEndian), False, True
)


def an_identifier() -> pydicom.Dataset:
    identifier = pydicom.Dataset()
    identifier.QueryRetrieveLevel = "PATIENT"
    identifier.PatientName = "Doe*"
    return identifier


@pytest.mark.parametrize(
    ("message", "keyword", "attribute"),
    [
        (command.C_FIND_RQ, "Identifier", "identifier"),
        (command.C_GET_RQ, "Identifier", "identifier"),
        (command.C_MOVE_RQ, "Identifier", "identifier"),
        (command.N_ACTION_RQ, "ActionInformation", "action_information"),
        (command.N_CREATE_RQ, "AttributeList", "attribute_list"),
        (command.N_EVENT_REPORT_RQ, "EventInformation", "event_information"),
        (command.N_SET_RQ, "ModificationList", "modification_list"),
    ],
)
def test_every_request_has_its_data_set_under_its_name(
    tmp_path: Path, message: command.MessageType, keyword: str, attribute: str
) -> None:
    encoded = encoded_in(ImplicitVRLittleEndian, an_identifier())
    request = Request(Command(message, MessageID=1), Kept(tmp_path, encoded))
    event = Event(None, evt.request_event(message), request=request, context=CONTEXT)
    assert getattr(event, attribute) == an_identifier()
    assert getattr(request, keyword).getvalue() == encoded


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_without_a_data_set_it_decodes_to_an_empty_one(transfer_syntax: str) -> None:
    request = Request(Command(command.N_ACTION_RQ, MessageID=1, ActionTypeID=2))
    context = AcceptedContext(1, "1.2", str(transfer_syntax), False, True)
    event = Event(None, evt.EVT_N_ACTION, request=request, context=context)
    assert (event.action_type, event.action_information, request.ActionInformation) == (2, pydicom.Dataset(), None)


def test_a_store_without_a_data_set_has_no_file() -> None:
    request = Command(command.C_STORE_RQ, MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3")
    event = Event(None, evt.EVT_C_STORE, request=Request(request), context=CONTEXT)
    assert event.encoded_dataset(False) == b""
    with pytest.raises(FileNotFoundError):
        event.dataset_path  # noqa: B018


def test_elements_of_requests_as_attributes() -> None:
    move = Request(Command(command.C_MOVE_RQ, MessageID=1, MoveDestination="STORE"))
    report = Request(Command(command.N_EVENT_REPORT_RQ, MessageID=1, EventTypeID=3))
    assert Event(None, evt.EVT_C_MOVE, request=move).move_destination == "STORE"
    assert Event(None, evt.EVT_N_EVENT_REPORT, request=report).event_type == 3


@pytest.mark.parametrize("tags", [[0x00100010, 0x7FE00010], [], None])
def test_attribute_identifiers_are_tags(tags: list[int] | None) -> None:
    request = Request(Command(command.N_GET_RQ, MessageID=1, AttributeIdentifierList=tags))
    found = Event(None, evt.EVT_N_GET, request=request).attribute_identifiers
    assert found == [Tag(tag) for tag in tags or ()]
    assert all(isinstance(tag, BaseTag) for tag in found)


def test_a_query_knows_when_it_is_cancelled() -> None:
    cancelled = False
    event = Event(None, evt.EVT_C_FIND, is_cancelled=lambda: cancelled)
    assert not event.is_cancelled
    cancelled = True
    assert event.is_cancelled


GIVEN = {
    *("address", "data", "pdu", "primitive", "message", "action", "current_state", "fsm_event", "next_state"),
    *("nr_invoked", "nr_performed", "app_info", "items", "user_id_type", "primary_field", "secondary_field"),
}


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_an_event_has_its_attributes_and_of_the_others_it_says_whose_they_are(event: evt.EventType) -> None:
    given = {name: object() for name in event.attributes & GIVEN}
    happened = Event(None, event, **given)
    assert {name: getattr(happened, name) for name in given} == given
    for name in set().union(*(row.attributes for row in EVENTS)) - event.attributes:
        assert not hasattr(happened, name)
        with pytest.raises(AttributeError, match=rf"{event} has no {name}, that is an attribute of .*EVT_"):
            getattr(happened, name)


def test_what_is_of_no_event_is_no_attribute() -> None:
    assert not hasattr(Event(None, evt.EVT_RELEASED), "nonsense")


# --- who is called


def one(event: Event) -> str:
    return "one"


def other(event: Event) -> str:
    return "other"


def test_an_intervention_event_has_one_handler_the_last() -> None:
    handlers = Handlers()
    handlers.bind(evt.EVT_C_ECHO, one)
    handlers.bind(evt.EVT_C_ECHO, other)
    assert handlers.get_handlers(evt.EVT_C_ECHO) == (other, None)
    assert handlers.ask(None, evt.EVT_C_ECHO) == "other"


def test_a_notification_event_has_many_each_once() -> None:
    handlers = Handlers([(evt.EVT_RELEASED, one), (evt.EVT_RELEASED, other), (evt.EVT_RELEASED, one)])
    handlers.bind(evt.EVT_RELEASED, one, [1])
    assert handlers.get_handlers(evt.EVT_RELEASED) == [(one, None), (other, None), (one, [1])]


def test_handlers_get_the_event_and_their_arguments() -> None:
    calls: list[Any] = []

    def handle(event: Event, *args: Any) -> int:
        calls.append((event.event, event.assoc, *args))
        return 0xA700

    handlers = Handlers(
        [(evt.EVT_C_ECHO, handle, ["a", 2]), (evt.EVT_CONN_OPEN, handle), (evt.EVT_CONN_OPEN, handle, [3])]
    )
    assert handlers.ask("assoc", evt.EVT_C_ECHO) == 0xA700
    handlers.tell("assoc", evt.EVT_CONN_OPEN, address=("::1", 104))
    assert calls == [
        (evt.EVT_C_ECHO, "assoc", "a", 2),
        (evt.EVT_CONN_OPEN, "assoc"),
        (evt.EVT_CONN_OPEN, "assoc", 3),
    ]


def test_a_generator_is_the_answer_of_a_query() -> None:
    def handle(event: Event) -> Iterator[tuple[int, Any]]:
        yield 0xFF00, event.message_id

    request = Request(Command(command.C_FIND_RQ, MessageID=9))
    answer = Handlers([(evt.EVT_C_FIND, handle)]).ask(None, evt.EVT_C_FIND, request=request)
    assert list(answer) == [(0xFF00, 9)]


@pytest.mark.parametrize("event", [row for row in EVENTS if isinstance(row, InterventionEvent)], ids=str)
def test_unbound_it_answers_its_default_or_says_that_nobody_does(event: InterventionEvent) -> None:
    if event.default is not None:
        assert Handlers().ask(None, event) == event.default
        return
    with pytest.raises(NotImplementedError, match=f"no handler is bound to evt.{event}"):
        Handlers().ask(None, event)


def test_what_an_intervention_handler_raises_the_caller_gets() -> None:
    with pytest.raises(ZeroDivisionError):
        Handlers([(evt.EVT_C_STORE, lambda event: 1 / 0)]).ask(None, evt.EVT_C_STORE)


def test_what_a_notification_handler_raises_is_logged_and_the_others_are_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def failing(event: Event) -> None:
        raise ValueError("no")

    handlers = Handlers([(evt.EVT_ABORTED, failing), (evt.EVT_ABORTED, calls.append)])
    handlers.tell(None, evt.EVT_ABORTED)
    assert len(calls) == 1
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "EVT_ABORTED: its handler failing failed")
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_a_handler_may_unbind_itself_while_it_is_called() -> None:
    calls: list[Event] = []

    def once(event: Event) -> None:
        calls.append(event)
        handlers.unbind(evt.EVT_DATA_RECV, once)

    handlers = Handlers([(evt.EVT_DATA_RECV, once), (evt.EVT_DATA_RECV, calls.append)])
    handlers.tell(None, evt.EVT_DATA_RECV, data=b"")
    handlers.tell(None, evt.EVT_DATA_RECV, data=b"")
    assert len(calls) == 3


def test_unbinding() -> None:
    handlers = Handlers([(evt.EVT_C_ECHO, one), (evt.EVT_RELEASED, one), (evt.EVT_RELEASED, other)])
    handlers.unbind(evt.EVT_C_ECHO, other)
    assert handlers.get_handlers(evt.EVT_C_ECHO) == (one, None)
    handlers.unbind(evt.EVT_C_ECHO, one)
    handlers.unbind(evt.EVT_RELEASED, one)
    handlers.unbind(evt.EVT_ABORTED, one)
    assert handlers.get_handlers(evt.EVT_C_ECHO) == (None, None)
    assert handlers.get_handlers(evt.EVT_RELEASED) == [(other, None)]
    handlers.unbind(evt.EVT_RELEASED, other)
    assert handlers.get_handlers(evt.EVT_RELEASED) == []
    assert handlers.get_events() == []


def test_bound_events_are_known_and_listed_by_name() -> None:
    handlers = Handlers([(evt.EVT_RELEASED, one), (evt.EVT_C_STORE, one)])
    assert handlers.get_events() == [evt.EVT_C_STORE, evt.EVT_RELEASED]
    assert evt.EVT_C_STORE in handlers
    assert evt.EVT_C_ECHO not in handlers


def test_a_bound_method_can_be_unbound() -> None:
    calls: list[Any] = []
    handlers = Handlers([(evt.EVT_RELEASED, calls.append)])
    handlers.unbind(evt.EVT_RELEASED, calls.append)
    assert evt.EVT_RELEASED not in handlers


def test_a_copy_goes_its_own_way() -> None:
    handlers = Handlers([(evt.EVT_C_ECHO, one)])
    apart = handlers.copy()
    apart.bind(evt.EVT_C_ECHO, other)
    apart.bind(evt.EVT_RELEASED, other)
    assert handlers.get_events() == [evt.EVT_C_ECHO]
    assert handlers.get_handlers(evt.EVT_C_ECHO) == (one, None)


@pytest.mark.parametrize(("event", "handler"), [("EVT_C_ECHO", one), (evt.EVT_C_ECHO, "one"), (evt.EVT_C_ECHO, None)])
def test_what_cannot_be_bound(event: Any, handler: Any) -> None:
    with pytest.raises(TypeError, match=r"no event|cannot be called"):
        Handlers([(event, handler)])


# --- what importing costs


def test_names_come_when_they_are_asked_for() -> None:
    script = """if True:
        import sys, ul
        assert not [name for name in sys.modules if name.startswith("ul.")]
        from ul import evt, build_context, debug_logger, VerificationPresentationContexts
        assert ul.evt is evt and "AE" in dir(ul)
        print(build_context(VerificationPresentationContexts[0].abstract_syntax))
        evt.Handlers().tell(None, evt.EVT_RELEASED)
        assert "pydicom" not in sys.modules
    """
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ul.nonsense  # noqa: B018


def test_debug_logger_writes_to_stderr_once_however_often_it_is_called() -> None:
    script = """if True:
        import logging, ul
        ul.debug_logger(); ul.debug_logger()
        logging.getLogger("ul.evt").debug("seen")
    """
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("", "D: seen\n")
