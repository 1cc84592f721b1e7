"""The DIMSE command set: the 23 messages (PS3.7 9.3, 10.3, Annex E), commands, and their bytes.

A table of the messages, made of the elements of `ul.wire.command_dictionary`. The code below it knows none by name.
What a message means, and whether its UIDs are good, is judged above (`ul.dimse`, `ul.services`); how it is cut into
P-DATA is not known here. A command set is always implicit VR little endian (PS3.7 6.3.1).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING, Any, Final

from ul.errors import ProtocolError, UsageError
from ul.wire.command_dictionary import (
    ELEMENT_WRITERS,
    ELEMENTS,
    HEADER,
    READERS,
    US_ELEMENT,
    Element,
    Reader,
    read_uid,
    remember_sop_classes,
)

NO_DATA_SET: Final = 0x0101  # the Command Data Set Type that announces none (PS3.7 E.1); every other announces one
DATA_SET_FOLLOWS: Final = 0x0001


# --- messages --------------------------------------------------------------------------------------------------------

_C_CANCEL: Final = 0x0FFF
_RESPONSE_BIT: Final = 0x8000


class MessageType:
    """One of the 23 messages: its name, its command field and the keywords of its elements.

    The rows below leave out the elements that every request or every response has. `essential` are those without which
    a message cannot be answered or matched with its request; `message_id`, `sop_class` and `sop_instance` say which of
    two elements this message has for it; `response` is what answers a request (C-CANCEL-RQ has none); `bare` are the
    elements of a response that says its status and no more.
    """

    def __init__(self, name: str, command_field: int, required: str = "", optional: str = "") -> None:
        self.name = name
        self.command_field = command_field
        self.is_request = not command_field & _RESPONSE_BIT
        has_own_id = self.is_request and command_field != _C_CANCEL
        self.message_id = "MessageID" if has_own_id else "MessageIDBeingRespondedTo"
        self.essential = ("CommandField", self.message_id, "CommandDataSetType", *_STATUS[self.is_request])
        self.required = (*self.essential, *required.split())
        self.optional = tuple(optional.split())
        self.elements = frozenset(self.required + self.optional)
        self.sop_class = self._either("AffectedSOPClassUID", "RequestedSOPClassUID")
        self.sop_instance = self._either("AffectedSOPInstanceUID", "RequestedSOPInstanceUID")
        self.writers = [(keyword, write) for keyword, write in ELEMENT_WRITERS if keyword in self.elements]
        self.bare = frozenset() if self.is_request else self.elements & _OF_A_BARE_RESPONSE
        self.response: MessageType | None = None

    def _either(self, *keywords: str) -> str | None:
        return next((keyword for keyword in keywords if keyword in self.elements), None)

    def __repr__(self) -> str:
        return self.name


_STATUS: Final = {True: (), False: ("Status",)}
_OF_A_BARE_RESPONSE: Final = {
    *("CommandField", "MessageIDBeingRespondedTo", "CommandDataSetType", "Status"),
    *("AffectedSOPClassUID", "AffectedSOPInstanceUID"),
}
_AFFECTED: Final = "AffectedSOPClassUID AffectedSOPInstanceUID"
_REQUESTED: Final = "RequestedSOPClassUID RequestedSOPInstanceUID"
_FAILURE_C: Final = " OffendingElement ErrorComment"
_FAILURE_N: Final = " ErrorComment ErrorID"
_COUNTS: Final = (
    " NumberOfRemainingSuboperations NumberOfCompletedSuboperations"
    " NumberOfFailedSuboperations NumberOfWarningSuboperations"
)

# PS3.7 9.3, 10.3 and E.1, failure responses with C.4 and C.5 (what a status may add).
# fmt: off
C_STORE_RQ         = MessageType("C-STORE-RQ",         0x0001, _AFFECTED + " Priority",
                                 "MoveOriginatorApplicationEntityTitle MoveOriginatorMessageID")
C_STORE_RSP        = MessageType("C-STORE-RSP",        0x8001, "", _AFFECTED + _FAILURE_C)
C_GET_RQ           = MessageType("C-GET-RQ",           0x0010, "AffectedSOPClassUID Priority")
C_GET_RSP          = MessageType("C-GET-RSP",          0x8010, "", "AffectedSOPClassUID" + _COUNTS + _FAILURE_C)
C_FIND_RQ          = MessageType("C-FIND-RQ",          0x0020, "AffectedSOPClassUID Priority")
C_FIND_RSP         = MessageType("C-FIND-RSP",         0x8020, "", "AffectedSOPClassUID" + _FAILURE_C)
C_MOVE_RQ          = MessageType("C-MOVE-RQ",          0x0021, "AffectedSOPClassUID Priority MoveDestination")
C_MOVE_RSP         = MessageType("C-MOVE-RSP",         0x8021, "", "AffectedSOPClassUID" + _COUNTS + _FAILURE_C)
C_ECHO_RQ          = MessageType("C-ECHO-RQ",          0x0030, "AffectedSOPClassUID")
C_ECHO_RSP         = MessageType("C-ECHO-RSP",         0x8030, "", "AffectedSOPClassUID" + _FAILURE_C)
C_CANCEL_RQ        = MessageType("C-CANCEL-RQ",        0x0FFF)
N_EVENT_REPORT_RQ  = MessageType("N-EVENT-REPORT-RQ",  0x0100, _AFFECTED + " EventTypeID")
N_EVENT_REPORT_RSP = MessageType("N-EVENT-REPORT-RSP", 0x8100, "", _AFFECTED + " EventTypeID" + _FAILURE_N)
N_GET_RQ           = MessageType("N-GET-RQ",           0x0110, _REQUESTED, "AttributeIdentifierList")
N_GET_RSP          = MessageType("N-GET-RSP",          0x8110, "", _AFFECTED + " AttributeIdentifierList" + _FAILURE_N)
N_SET_RQ           = MessageType("N-SET-RQ",           0x0120, _REQUESTED)
N_SET_RSP          = MessageType("N-SET-RSP",          0x8120, "", _AFFECTED + " AttributeIdentifierList" + _FAILURE_N)
N_ACTION_RQ        = MessageType("N-ACTION-RQ",        0x0130, _REQUESTED + " ActionTypeID")
N_ACTION_RSP       = MessageType("N-ACTION-RSP",       0x8130, "", _AFFECTED + " ActionTypeID" + _FAILURE_N)
N_CREATE_RQ        = MessageType("N-CREATE-RQ",        0x0140, "AffectedSOPClassUID", "AffectedSOPInstanceUID")
N_CREATE_RSP       = MessageType("N-CREATE-RSP",       0x8140, "", _AFFECTED + " AttributeIdentifierList" + _FAILURE_N)
N_DELETE_RQ        = MessageType("N-DELETE-RQ",        0x0150, _REQUESTED)
N_DELETE_RSP       = MessageType("N-DELETE-RSP",       0x8150, "", _AFFECTED + _FAILURE_N)
# fmt: on

MESSAGES: Final = tuple(row for row in list(globals().values()) if isinstance(row, MessageType))
_MESSAGES_BY_FIELD: Final = {row.command_field: row for row in MESSAGES}

for _row in MESSAGES:
    if _row.is_request:
        _row.response = _MESSAGES_BY_FIELD.get(_row.command_field | _RESPONSE_BIT)


# --- commands --------------------------------------------------------------------------------------------------------


class Command:
    """A command set: its message type and its elements as attributes, by keyword. An element it lacks reads as None.

    Raises UsageError for an element that messages of this type do not have. Unless told otherwise no data set follows.
    """

    __slots__ = ("__dict__", "type")  # vars() holds the elements and nothing else

    type: MessageType

    if TYPE_CHECKING:  # elements are attributes by the table, not by annotation

        def __getattr__(self, keyword: str) -> Any: ...
        def __setattr__(self, keyword: str, value: Any) -> None: ...

    def __init__(self, message_type: MessageType, /, **elements: Any) -> None:
        elements.setdefault("CommandDataSetType", NO_DATA_SET)
        elements["CommandField"] = message_type.command_field
        if not elements.keys() <= message_type.elements:
            raise UsageError(f"{message_type} has no {', '.join(sorted(elements.keys() - message_type.elements))}")
        self.type = message_type
        self.__dict__ = elements

    @property
    def has_data_set(self) -> bool:
        announced: bool = self.CommandDataSetType != NO_DATA_SET
        return announced

    @property
    def message_id(self) -> int:
        """The Message ID, or in a response or C-CANCEL-RQ that of the request it belongs to."""
        return int(getattr(self, self.type.message_id))

    def response(self, **elements: Any) -> Command:
        """The response to this request, with its message id and its SOP class and instance where they are known."""
        request, response_type = self.type, self.type.response
        if response_type is None:
            raise UsageError(f"{request} has no response")
        mine = self.__dict__.get
        complete: dict[str, Any] = {"CommandDataSetType": NO_DATA_SET}
        if request.sop_class is not None:
            complete["AffectedSOPClassUID"] = mine(request.sop_class)
        if request.sop_instance is not None:
            complete["AffectedSOPInstanceUID"] = mine(request.sop_instance)
        for keyword in elements:
            if keyword not in response_type.elements:
                raise UsageError(f"{response_type} has no {keyword}")
        complete |= elements
        complete["CommandField"] = response_type.command_field
        complete["MessageIDBeingRespondedTo"] = mine("MessageID")
        return _of(response_type, complete)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Command):
            return NotImplemented
        return self.type is other.type and self._present() == other._present()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        elements = [f"{keyword}={value!r}" for keyword, value in self._present().items() if keyword != "CommandField"]
        return f"Command({', '.join([self.type.name, *elements])})"

    def _present(self) -> dict[str, Any]:
        return {keyword: value for keyword, value in vars(self).items() if value is not None}


for _element in ELEMENTS:
    setattr(Command, _element.keyword, None)


def _of(message_type: MessageType, elements: dict[str, Any]) -> Command:
    """A command of elements that are known to be good, in a third of the time that its constructor takes."""
    command = Command.__new__(Command)
    command.type = message_type
    command.__dict__ = elements
    return command


# --- bytes -----------------------------------------------------------------------------------------------------------

_GROUP_LENGTH: Final = Struct("<HHLL")
_MESSAGE_ID: Final = 0x0110
_MESSAGE_ID_BEING_RESPONDED_TO: Final = 0x0120
_SOP_INSTANCE: Final = 0x1000


def encode_command(command: Command) -> bytes:
    """The command set with its group length, in ascending order of tags (PS3.7 6.3.1).

    Elements that are None are left out, and so are elements that messages of this type do not have.
    Raises UsageError where a value does not fit its element.
    """
    elements = command.__dict__
    if len(elements) == len(command.type.bare):
        try:
            return _encode_bare_response(command.type, elements)
        except (KeyError, StructError, UnicodeEncodeError, OverflowError, TypeError, AttributeError):
            pass  # it is another kind of response; or which element cannot be encoded, the general way tells
    return _encode_anew(command)


def _encode_anew(command: Command) -> bytes:
    get = command.__dict__.get
    parts = []
    try:
        for keyword, write in command.type.writers:
            value = get(keyword)
            if value is not None:
                parts.append(write(value))
    except (StructError, UnicodeEncodeError, TypeError, AttributeError) as error:
        raise UsageError(f"{command.type}: {keyword} cannot be encoded: {error}") from error
    content = b"".join(parts)
    return _GROUP_LENGTH.pack(0, 0, 4, len(content)) + content


_WRITER_OF: Final = dict(ELEMENT_WRITERS)
_write_sop_instance: Final = _WRITER_OF["AffectedSOPInstanceUID"]


def _encode_bare_response(kind: MessageType, elements: dict[str, Any]) -> bytes:
    """A response that says its status and no more, around what differs between those of an association: its two ids.

    Raises KeyError where it has as many elements, but not these.
    """
    sop_instance = elements[kind.sop_instance] if kind.sop_instance is not None else None
    last = b"" if sop_instance is None else _write_sop_instance(sop_instance)
    before, after = _around_message_id(
        kind, elements["AffectedSOPClassUID"], elements["CommandDataSetType"], elements["Status"], len(last)
    )
    message_id: bytes = elements["MessageIDBeingRespondedTo"].to_bytes(2, "little")
    return before + message_id + after + last


@lru_cache(maxsize=1024, typed=True)
def _around_message_id(
    kind: MessageType, sop_class: str | None, data_set_type: int, status: int | None, last: int
) -> tuple[bytes, bytes]:
    """What stands before the value of Message ID Being Responded To, and between it and the `last` bytes."""
    before = _written("AffectedSOPClassUID", sop_class) + _written("CommandField", kind.command_field)
    before += HEADER.pack(0, _MESSAGE_ID_BEING_RESPONDED_TO, 2)
    after = _written("CommandDataSetType", data_set_type) + _written("Status", status)
    return _GROUP_LENGTH.pack(0, 0, 4, len(before) + 2 + len(after) + last) + before, after


def _written(keyword: str, value: Any) -> bytes:
    return b"" if value is None else _WRITER_OF[keyword](value)


_UNKNOWN: Final = Element(0, "unknown", "")
_ELEMENTS_BY_NUMBER: Final = {row.number: row for row in ELEMENTS}

# The hot path: tag and length are one key, so that a single look-up names, measures and types an element of legal
# length. What is not here (unknown, over-long, broken) takes the longer way with its checks.
_LEGAL_LENGTHS: Final = {"US": (2,), "UI": range(65), "AE": range(17), "LO": range(65), "AT": (4,)}
_KNOWN_HEADERS: Final = {
    HEADER.pack(0, row.number, length): (row.keyword, length, read)
    for row in ELEMENTS
    for read in [None if row.vr == "US" else remember_sop_classes(row, READERS[row.vr])]
    for length in _LEGAL_LENGTHS[row.vr]
}
_NO_HEADER: Final[tuple[str, int, Reader | None]] = ("", 1 << 32, None)  # longer than any command set
_GROUP_LENGTH_HEADER: Final = HEADER.pack(0, 0, 4)


def decode_command(data: bytes | bytearray | memoryview) -> Command:
    """The command in a whole command set. Elements that this library does not know are ignored.

    The group length is ignored too: the last fragment tells where a command set ends, and some peers reckon it wrong.
    Raises ProtocolError where a length passes the end, a group is not 0000, the command field is none of the 23, or
    an essential element is missing.
    """
    encoded = data if type(data) is bytes else bytes(data)
    usual = len(encoded) > _SOP_CLASS_LENGTH_OFFSET
    message_id = encoded[_SOP_CLASS_LENGTH_OFFSET] + _AROUND_SOP_CLASS if usual else 0
    sop_instance = message_id + _FROM_MESSAGE_ID_TO_SOP_INSTANCE
    frame = encoded[:message_id] + encoded[message_id + 2 : sop_instance]
    known = _FRAMES.get(frame)
    if known is None or known[0] != len(encoded):
        command = _decode_anew(encoded)
        _remember_frame(frame, encoded, message_id, command)
        return command
    _, message_type, elements = known
    elements = elements.copy()
    elements["MessageID"] = encoded[message_id] | encoded[message_id + 1] << 8
    if sop_instance < len(encoded):
        elements["AffectedSOPInstanceUID"] = read_uid(encoded[sop_instance:])
    return _of(message_type, elements)


def _decode_anew(data: bytes) -> Command:
    elements = _read_elements(data)
    command_field = elements.get("CommandField")
    if command_field is None:
        raise ProtocolError("command set: CommandField is missing")
    message_type = _MESSAGES_BY_FIELD.get(command_field)
    if message_type is None:
        raise ProtocolError(f"command set: CommandField {command_field:04X}H is no message")
    for keyword in message_type.essential:
        if keyword not in elements:
            raise ProtocolError(f"{message_type}: {keyword} is missing")
    return _of(message_type, elements)


def _read_elements(data: bytes) -> dict[str, Any]:
    elements: dict[str, Any] = {}
    known = _KNOWN_HEADERS.get
    offset, end = 0, len(data)
    if data.startswith(_GROUP_LENGTH_HEADER):
        offset = _GROUP_LENGTH.size
    while offset < end:
        start = offset + 8
        keyword, length, read = known(data[offset:start], _NO_HEADER)
        offset = start + length
        if offset > end:
            offset = _read_element(data, start - 8, elements)
        else:  # a US, the commonest, is read in place
            elements[keyword] = read(data[start:offset]) if read else data[start] | data[start + 1] << 8
    return elements


def _read_element(data: bytes, offset: int, elements: dict[str, Any]) -> int:
    """Read the element at `offset` into `elements`; return the offset of the next."""
    start = offset + HEADER.size
    if start > len(data):
        raise ProtocolError(f"command element at offset {offset}: its tag and length are cut off")
    group, number, length = HEADER.unpack_from(data, offset)
    row, stop = _ELEMENTS_BY_NUMBER.get(number, _UNKNOWN), start + int(length)
    try:
        if group != 0:
            raise ProtocolError("its group is not 0000")
        if stop > len(data):
            raise ProtocolError(f"length {length}, {len(data) - start} bytes left")
        value = READERS[row.vr](data[start:stop])
    except ProtocolError as error:
        raise ProtocolError(f"({group:04X},{number:04X}) {row.keyword} at offset {offset}: {error}") from None
    if value is not None:
        elements[row.keyword] = value
    return stop


# The requests of an association differ in no more than their Message ID and, where it ends them, their SOP instance.
# What is left of one without these two is its frame: who knows it has nothing else to read. In the order of the
# standard the SOP class comes first, and what stands before and between the two values has one length otherwise.
_FRAMES: Final[dict[bytes, tuple[int, MessageType, dict[str, Any]]]] = {}  # frame -> length of the whole, contents
_FRAMED: Final = (C_ECHO_RQ, C_STORE_RQ, C_FIND_RQ)
_MOST_FRAMES: Final = 1024
_LONGEST_FRAMED: Final = 512  # bytes of a command set; peers decide what is remembered
_SOP_CLASS_LENGTH_OFFSET: Final = _GROUP_LENGTH.size + 4
_AROUND_SOP_CLASS: Final = _GROUP_LENGTH.size + HEADER.size + US_ELEMENT.size + HEADER.size
_FROM_MESSAGE_ID_TO_SOP_INSTANCE: Final = 2 + US_ELEMENT.size + US_ELEMENT.size + HEADER.size


def _remember_frame(frame: bytes, data: bytes, message_id: int, command: Command) -> None:
    """Remember `frame` if the two values, each of them once, stand where they are looked for."""
    if command.type not in _FRAMED or len(data) > _LONGEST_FRAMED or not data.startswith(_GROUP_LENGTH_HEADER):
        return
    places = {}
    number = offset = 0
    while offset < len(data):
        _, number, length = HEADER.unpack_from(data, offset)
        if number in places:
            return
        offset += HEADER.size
        places[number] = offset
        offset += length
    sop_instance = message_id + _FROM_MESSAGE_ID_TO_SOP_INSTANCE
    is_last = number == _SOP_INSTANCE and places[number] == sop_instance
    if places.get(_MESSAGE_ID) != message_id or not (is_last or sop_instance >= len(data)):
        return
    if any(type(value) is list for value in command.__dict__.values()):  # not to be shared
        return
    if len(_FRAMES) >= _MOST_FRAMES:
        _FRAMES.clear()
    _FRAMES[frame] = len(data), command.type, command.__dict__.copy()
