"""Events: what happens to an association, as handlers are told of it, and who is told.

Belongs here: the 32 events (one row each), the Event that a handler gets, and Handlers, where they are bound. Not here:
when an event happens (the shells say so), and what a service makes of a handler's answer (`ul.services`).

An intervention event asks its one handler for an answer; what the handler raises, the caller gets. A notification event
tells all its handlers; what one of them raises is logged and goes no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, TypeVar, Union, overload

from ul import data_sets
from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ul.presentation import PresentationContextTuple
from ul.received import ReceivedDataSet, Request, preface
from ul.status import SUCCESS
from ul.uid import UID
from ul.wire.command import MessageType

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.tag import BaseTag

LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class EventType:
    """One of the 32. `attributes` are what its Event has besides assoc, event, timestamp and is_cancelled."""

    name: str
    description: str
    attributes: frozenset[str]

    is_intervention = False
    is_notification = False

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> str:  # by name: there is one of each in every process
        return self.name


@dataclass(frozen=True, eq=False, repr=False)
class NotificationEvent(EventType):
    """Many handlers, whatever they return."""

    is_notification = True


@dataclass(frozen=True, eq=False, repr=False)
class InterventionEvent(EventType):
    """One handler; `answers` says what it returns or yields, `default` is the answer where none is bound.

    `failure` is the status of the response where the handler raises, or where none is bound and `default` is None;
    None for the events of association negotiation, which have no response.
    """

    answers: str
    default: Any
    failure: int | None

    is_intervention = True


def _notification(name: str, description: str, attributes: str = "") -> NotificationEvent:
    return NotificationEvent(f"EVT_{name}", description, frozenset(attributes.split()))


def _intervention(
    name: str, description: str, attributes: str, answers: str, default: Any = None, failure: int | None = None
) -> InterventionEvent:
    return InterventionEvent(f"EVT_{name}", description, frozenset(attributes.split()), answers, default, failure)


# What a handler is asked for
_STATUS: Final = "a status"
_STATUS_AND_DATA_SET: Final = "(status, data set or None)"
_MATCHES: Final = "yields (status, data set or None)"
_COUNTED: Final = "yields their number, then (status, data set or path of a file)"
_MOVED: Final = (
    "yields (address, port[, arguments of associate]) or (None, None), their number, then (status, data set)"
)

_STORE: Final = "request context message_id dataset file_meta encoded_dataset dataset_path"
_QUERY: Final = "request context message_id identifier"
_N: Final = "request context message_id "

# fmt: off
EVT_ABORTED        = _notification("ABORTED",        "Association aborted")
EVT_ACCEPTED       = _notification("ACCEPTED",       "Association request accepted")
EVT_ACSE_RECV      = _notification("ACSE_RECV",      "ACSE primitive received from DUL",               "primitive")
EVT_ACSE_SENT      = _notification("ACSE_SENT",      "ACSE primitive sent to DUL",                     "primitive")
EVT_CONN_CLOSE     = _notification("CONN_CLOSE",     "Connection closed",                              "address")
EVT_CONN_OPEN      = _notification("CONN_OPEN",      "Connection opened",                              "address")
EVT_DATA_RECV      = _notification("DATA_RECV",      "PDU data received from remote",                  "data")
EVT_DATA_SENT      = _notification("DATA_SENT",      "PDU data sent to remote",                        "data")
EVT_DIMSE_RECV     = _notification("DIMSE_RECV",     "Complete DIMSE message received and decoded",    "message")
EVT_DIMSE_SENT     = _notification("DIMSE_SENT",     "DIMSE message encoded and handed to DUL",        "message")
EVT_ESTABLISHED    = _notification("ESTABLISHED",    "Association established")
EVT_FSM_TRANSITION = _notification("FSM_TRANSITION", "State machine about to transition",
                                   "action current_state fsm_event next_state")
EVT_PDU_RECV       = _notification("PDU_RECV",       "PDU received and decoded",                       "pdu")
EVT_PDU_SENT       = _notification("PDU_SENT",       "PDU encoded and sent",                           "pdu")
EVT_REJECTED       = _notification("REJECTED",       "Association request rejected")
EVT_RELEASED       = _notification("RELEASED",       "Association released")
EVT_REQUESTED      = _notification("REQUESTED",      "Association requested")

EVT_ASYNC_OPS      = _intervention("ASYNC_OPS",      "Asynchronous operations negotiation requested",
                                   "nr_invoked nr_performed", "(operations invoked, operations performed)")
EVT_SOP_COMMON     = _intervention("SOP_COMMON",     "SOP class common extended negotiation requested",
                                   "items", "{SOP class UID: item}", {})
EVT_SOP_EXTENDED   = _intervention("SOP_EXTENDED",   "SOP class extended negotiation requested",
                                   "app_info", "{SOP class UID: bytes}", {})
EVT_USER_ID        = _intervention("USER_ID",        "User identity negotiation requested",
                                   "user_id_type primary_field secondary_field",
                                   "(whether it is accepted, server response as bytes or None)", (True, None))
EVT_C_ECHO         = _intervention("C_ECHO",         "C-ECHO request received",   _N, _STATUS, SUCCESS, SUCCESS)
EVT_C_FIND         = _intervention("C_FIND",         "C-FIND request received",   _QUERY, _MATCHES, failure=0xC311)
EVT_C_GET          = _intervention("C_GET",          "C-GET request received",    _QUERY, _COUNTED, failure=0xC411)
EVT_C_MOVE         = _intervention("C_MOVE",         "C-MOVE request received",   _QUERY + " move_destination", _MOVED,
                                   failure=0xC511)
EVT_C_STORE        = _intervention("C_STORE",        "C-STORE request received",  _STORE, _STATUS, failure=0xC211)
EVT_N_ACTION       = _intervention("N_ACTION",       "N-ACTION request received",
                                   _N + "action_type action_information", _STATUS_AND_DATA_SET, failure=0x0110)
EVT_N_CREATE       = _intervention("N_CREATE",       "N-CREATE request received",
                                   _N + "attribute_list", _STATUS_AND_DATA_SET, failure=0x0110)
EVT_N_DELETE       = _intervention("N_DELETE",       "N-DELETE request received", _N, _STATUS, failure=0x0110)
EVT_N_EVENT_REPORT = _intervention("N_EVENT_REPORT", "N-EVENT-REPORT request received",
                                   _N + "event_type event_information", _STATUS_AND_DATA_SET, failure=0x0110)
EVT_N_GET          = _intervention("N_GET",          "N-GET request received",
                                   _N + "attribute_identifiers", _STATUS_AND_DATA_SET, failure=0x0110)
EVT_N_SET          = _intervention("N_SET",          "N-SET request received",
                                   _N + "modification_list", _STATUS_AND_DATA_SET, failure=0x0110)
# fmt: on

EVENTS: Final = tuple(row for row in list(globals().values()) if isinstance(row, EventType))
_EVENTS_BY_NAME: Final = {row.name: row for row in EVENTS}


def request_event(message: MessageType) -> InterventionEvent:
    """The event of a request: EVT_C_STORE of C-STORE-RQ."""
    event = _EVENTS_BY_NAME["EVT_" + message.name.removesuffix("-RQ").replace("-", "_")]
    assert isinstance(event, InterventionEvent)
    return event


# --- Event -----------------------------------------------------------------------------------------------------------

_Value = TypeVar("_Value")


class _Attribute(Generic[_Value]):
    """An attribute that only some events have; of the others it says so."""

    def __init__(self, of: Callable[[Event], _Value]) -> None:
        self._of = of
        self._name = of.__name__
        self.__doc__ = of.__doc__

    @overload
    def __get__(self, event: None, owner: type[Event]) -> _Attribute[_Value]: ...
    @overload
    def __get__(self, event: Event, owner: type[Event]) -> _Value: ...
    def __get__(self, event: Event | None, owner: type[Event]) -> _Attribute[_Value] | _Value:
        if event is None:
            return self
        if self._name not in event.event.attributes:
            those = ", ".join(row.name for row in EVENTS if self._name in row.attributes)
            raise AttributeError(f"{event.event} has no {self._name}, that is an attribute of {those}")
        return self._of(event)


def _given(name: str) -> _Attribute[Any]:
    """An attribute that whoever triggers the event gives as it is."""

    def of(event: Event) -> Any:
        return event._given[name]

    of.__name__ = name
    return _Attribute(of)


class Event:
    """What happened, to `assoc`, at `timestamp`. Which other attributes there are depends on `event`.

    `given` are the values that whoever triggers the event knows; the rest is derived of them when it is asked for.
    """

    def __init__(self, assoc: Any, event: EventType, **given: Any) -> None:
        self.assoc = assoc
        self.event = event
        self.timestamp = datetime.now()
        self._given = given
        self._decoded: tuple[object, Dataset] | None = None  # of which bytes, and what they decode to

    def __repr__(self) -> str:
        return f"<{self.event} at {self.timestamp:%H:%M:%S.%f}>"

    @property
    def is_cancelled(self) -> bool:
        """Whether the peer sent a C-CANCEL for this C-FIND, C-GET or C-MOVE; False for every other event."""
        asked: Callable[[], bool] = self._given.get("is_cancelled", bool)
        return asked()

    # -- of connections, PDUs, primitives and messages

    address = _given("address")
    data = _given("data")
    pdu = _given("pdu")
    primitive = _given("primitive")
    message = _given("message")
    action = _given("action")
    current_state = _given("current_state")
    fsm_event = _given("fsm_event")
    next_state = _given("next_state")

    # -- of association negotiation

    nr_invoked = _given("nr_invoked")
    nr_performed = _given("nr_performed")
    app_info = _given("app_info")
    items = _given("items")
    user_id_type = _given("user_id_type")
    primary_field = _given("primary_field")
    secondary_field = _given("secondary_field")

    # -- of requests

    @_Attribute
    def request(self) -> Request:
        """The request: its elements by keyword, and its encoded data set."""
        found: Request = self._given["request"]
        return found

    @_Attribute
    def context(self) -> PresentationContextTuple:
        """The presentation context: context_id, abstract_syntax, transfer_syntax."""
        found = self._given["context"]
        return PresentationContextTuple(found.context_id, UID(found.abstract_syntax), UID(found.transfer_syntax))

    @_Attribute
    def message_id(self) -> int:
        """Message ID (0000,0110)."""
        found: int = self.request.MessageID
        return found

    @_Attribute
    def dataset(self) -> Dataset:
        """The data set of a C-STORE, decoded. It has no file meta information: assign `file_meta` to save it."""
        return self._decode()

    @_Attribute
    def identifier(self) -> Dataset:
        """The identifier of a C-FIND, C-GET or C-MOVE, decoded."""
        return self._decode()

    @_Attribute
    def action_information(self) -> Dataset:
        """The action information of an N-ACTION, decoded; empty where there is none."""
        return self._decode()

    @_Attribute
    def attribute_list(self) -> Dataset:
        """The attribute list of an N-CREATE, decoded; empty where there is none."""
        return self._decode()

    @_Attribute
    def event_information(self) -> Dataset:
        """The event information of an N-EVENT-REPORT, decoded; empty where there is none."""
        return self._decode()

    @_Attribute
    def modification_list(self) -> Dataset:
        """The modification list of an N-SET, decoded."""
        return self._decode()

    def _decode(self) -> Dataset:
        """Decoded once, and again only where a handler put other bytes in place of those received."""
        source = self.request.encoded
        if self._decoded is None or self._decoded[0] is not source:
            with _open(source) as file:
                self._decoded = source, data_sets.decode(file, self.context.transfer_syntax)
        return self._decoded[1]

    @_Attribute
    def file_meta(self) -> FileMetaDataset:
        """New file meta information for a C-STORE: UIDs of the request, transfer syntax of the context."""
        command = self.request.command
        instance = command.AffectedSOPClassUID, command.AffectedSOPInstanceUID, self.context.transfer_syntax
        return data_sets.file_meta(*instance, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)

    @_Attribute
    def encoded_dataset(self) -> Callable[..., bytes]:
        """encoded_dataset(include_meta=True): what the peer sent, as a DICOM file or (False) as it is."""
        return self._encoded_dataset

    def _encoded_dataset(self, include_meta: bool = True) -> bytes:
        source = self.request.encoded
        before = preface(self.request.command, self.context.transfer_syntax) if include_meta else b""
        if source is None:
            return before
        return before + source.getvalue() if isinstance(source, BytesIO) else source.getvalue(before)

    @_Attribute
    def dataset_path(self) -> Path:
        """The data set of a C-STORE as a DICOM file. It is gone when the handler returns, and may be moved before."""
        received = self.request.received
        if received is None:
            raise FileNotFoundError("the request came without a data set")
        return received.path()

    @_Attribute
    def move_destination(self) -> str | None:
        """Move Destination (0000,0600), the title of the AE that shall get the instances."""
        found: str | None = self.request.MoveDestination
        return found

    @_Attribute
    def action_type(self) -> int | None:
        """Action Type ID (0000,1008)."""
        found: int | None = self.request.ActionTypeID
        return found

    @_Attribute
    def event_type(self) -> int | None:
        """Event Type ID (0000,1002)."""
        found: int | None = self.request.EventTypeID
        return found

    @_Attribute
    def attribute_identifiers(self) -> list[BaseTag]:
        """Attribute Identifier List (0000,1005), the tags an N-GET asks for; empty for all of them."""
        from pydicom.tag import Tag

        return [Tag(tag) for tag in self.request.AttributeIdentifierList or ()]


def _open(source: ReceivedDataSet | BytesIO | None) -> BinaryIO:
    if source is None:
        return BytesIO()
    return BytesIO(source.getvalue()) if isinstance(source, BytesIO) else source.open()


# --- Handlers --------------------------------------------------------------------------------------------------------

# What a handler can do wrong is as wide as what a program can do wrong. SystemExit would end a thread of ours.
HandlerError: Final = (Exception, SystemExit)

Handler = Callable[..., Any]  # called with the Event, then with the arguments it was bound with
Bound = tuple[Handler, Union[list[Any], None]]
EventHandlerType = Union[tuple[EventType, Handler], tuple[EventType, Handler, list[Any]]]


class Handlers:
    """Which handlers are bound to which events."""

    def __init__(self, handlers: Iterable[EventHandlerType] | None = None) -> None:
        self._intervention: dict[EventType, Bound] = {}
        self._notification: dict[EventType, tuple[Bound, ...]] = {}
        for event, handler, *args in handlers or ():
            self.bind(event, handler, *args)

    def __contains__(self, event: object) -> bool:
        """Whether anybody is bound to `event`: what nobody hears need not be told."""
        return event in self._notification or event in self._intervention

    def hear(self, *events: EventType) -> bool:
        """Whether anybody is bound to one of `events`."""
        return not (self._notification.keys().isdisjoint(events) and self._intervention.keys().isdisjoint(events))

    def copy(self) -> Handlers:
        """The same bindings, from now on apart."""
        other = Handlers()
        other._intervention = self._intervention.copy()
        other._notification = self._notification.copy()
        return other

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Call `handler(event, *args)` when `event` happens.

        A notification event keeps the handlers it has, an intervention event has only this one from now on. Raises
        TypeError where `event` is none of the 32 or `handler` cannot be called.
        """
        if not isinstance(event, EventType):
            raise TypeError(f"{event!r} is no event of ul.evt")
        if not callable(handler):
            raise TypeError(f"the handler of {event} cannot be called: {handler!r}")
        bound = (handler, args)
        if event.is_intervention:
            self._intervention[event] = bound
        elif bound not in self._notification.get(event, ()):
            self._notification[event] = (*self._notification.get(event, ()), bound)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Do not call `handler` for `event` any more; an intervention event then has its default answer."""
        if event in self._intervention and self._intervention[event][0] == handler:
            del self._intervention[event]
        remaining = tuple(bound for bound in self._notification.get(event, ()) if bound[0] != handler)
        if remaining:
            self._notification[event] = remaining
        else:
            self._notification.pop(event, None)

    def get_events(self) -> list[EventType]:
        """The events that a handler is bound to, by name."""
        return sorted((*self._intervention, *self._notification), key=str)

    def get_handlers(self, event: EventType) -> Bound | tuple[None, None] | list[Bound]:
        """(handler, args) of an intervention event, (None, None) for none; of a notification event a list of them."""
        if event.is_intervention:
            return self._intervention.get(event, (None, None))
        return list(self._notification.get(event, ()))

    def ask(self, assoc: Any, event: InterventionEvent, **given: Any) -> Any:
        """What the handler of an intervention event answers, or its default.

        Raises what the handler raises, and NotImplementedError where none is bound to an event without default.
        """
        bound = self._intervention.get(event)
        if bound is not None:
            handler, args = bound
            return handler(Event(assoc, event, **given), *(args or ()))
        if event.default is None:
            raise NotImplementedError(f"no handler is bound to evt.{event}")
        return event.default

    def tell(self, assoc: Any, event: NotificationEvent, **given: Any) -> None:
        """Call the handlers of a notification event, in the order in which they were bound."""
        for handler, args in self._notification.get(event, ()):
            try:
                handler(Event(assoc, event, **given), *(args or ()))
            except HandlerError:
                LOGGER.exception("%s: its handler %s failed", event, getattr(handler, "__name__", handler))


class Bindable:
    """What has handlers: an association, or the server that its associations have them from."""

    handlers: Handlers

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Call `handler(event, *args)` when `event` happens; see `Handlers.bind`."""
        self.handlers.bind(event, handler, args)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Do not call `handler` for `event` any more."""
        self.handlers.unbind(event, handler)

    def get_events(self) -> list[EventType]:
        """The events that a handler is bound to."""
        return self.handlers.get_events()

    def get_handlers(self, event: EventType) -> Bound | tuple[None, None] | list[Bound]:
        """What is bound to `event`; see `Handlers.get_handlers`."""
        return self.handlers.get_handlers(event)
