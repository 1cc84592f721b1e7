"""DIMSE messages on the way: assembled from presentation data values, cut into them (PS3.7 6.3, PS3.8 Annex E).

Belongs here: which fragment may follow which, where a command set ends and its data set begins, how large a fragment
may be. Not here: what a message means (`ul.session`, `ul.services`) or how a PDU is laid out (`ul.wire.p_data`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol, Union

from ul.errors import INVALID_PDU_PARAMETER_VALUE, ProtocolError
from ul.pdu_primitives import P_DATA, PDV

Buffer = Union[bytes, bytearray, memoryview]

COMMAND: Final = 1  # message control header, bit 0 (PS3.8 E.2)
LAST: Final = 2  # bit 1
WHOLE_COMMAND: Final = COMMAND | LAST  # nearly every command set comes in one fragment

_PDV_HEADER_LENGTH: Final = 6  # item length, context id, message control header
_UNLIMITED_FRAGMENT: Final = 131072  # bytes per fragment towards a peer without a maximum
_SMALLEST_FRAGMENT: Final = 2  # even, and more than nothing, whatever maximum the peer claims

# A command set is a few hundred bytes; an N-GET's attribute list is the only element that grows.
MAXIMUM_COMMAND_LENGTH: Final = 131072
MAXIMUM_EMPTY_FRAGMENTS: Final = 128  # in a row: legal alone, an attack in numbers


class Sink(Protocol):
    """Where the fragments of a data set go. A view is borrowed: it is good until `flush` returns."""

    def write(self, view: Buffer, /) -> None: ...

    def flush(self) -> None: ...


class Source(Protocol):
    """Where the fragments of an outgoing data set come from. `remaining` is the bytes yet to be read."""

    remaining: int

    def read(self, size: int, /) -> Buffer: ...


class BytesSource:
    """A data set in memory; its fragments are views of it."""

    __slots__ = ("_data", "_offset", "remaining")

    def __init__(self, data: Buffer) -> None:
        self._data = memoryview(data)
        self._offset = 0
        self.remaining = len(self._data)

    def read(self, size: int, /) -> memoryview:
        start, self._offset = self._offset, self._offset + size
        view = self._data[start : self._offset]
        self.remaining -= len(view)
        return view


class DataSetEnd:
    """The data set that follows a command has come to its end."""

    __slots__ = ()


DATA_SET_END: Final = DataSetEnd()


class Assembler:
    """Presentation data values in, encoded command sets and the ends of data sets out; data sets go to `sink`.

    Pull: `receive` takes the values of one P-DATA primitive, `advance` goes as far as the next command set or data
    set end. Whoever reads a command set says whether a data set follows it (`data_set_due`) and where it goes
    (`sink`, None to read and not keep it) before the next fragment is looked at; and how much of it may go there
    (`room`, in bytes, None for any): what does not fit is read and not kept, and `room` is negative from then on.
    `unread` are the values that were not looked at yet, the last one first.
    """

    __slots__ = (
        "_command",
        "_command_length",
        "_contexts",
        "_empty",
        "amid_command",
        "context_id",
        "data_set_due",
        "room",
        "sink",
        "unread",
    )

    def __init__(self, contexts: Collection[int]) -> None:
        self._contexts = contexts
        self.unread: list[PDV] = []
        self._command: list[bytes] = []  # the fragments of a command set that is not whole yet
        self.amid_command = False
        self._command_length = 0
        self._empty = 0
        self.context_id = 0  # of the message under way
        self.data_set_due = False  # from its command to its last fragment
        self.sink: Sink | None = None
        self.room: int | None = None

    def receive(self, primitive: P_DATA) -> None:
        self.unread = primitive.presentation_data_value_list[::-1]

    def retain(self) -> None:
        """Copy what is unread: it has to wait for longer than the buffer that it stands in is ours."""
        self.unread = [(context_id, header, bytes(fragment)) for context_id, header, fragment in self.unread]

    def advance(self) -> bytes | DataSetEnd | None:
        """The next encoded command set or data set end; None when the values are used up. Raises ProtocolError."""
        unread = self.unread
        while unread:
            context_id, header, fragment = unread.pop()
            if header == WHOLE_COMMAND and not (self.amid_command or self.data_set_due):
                self._begin(context_id)
                self._empty = 0
                return bytes(fragment)
            if not fragment and not header & LAST:
                self._count_empty()
                continue
            self._empty = 0
            if header & COMMAND:
                command = self._command_fragment(context_id, header, fragment)
                if command is not None:
                    return command
            elif self._data_set_fragment(context_id, header, fragment):
                return DATA_SET_END
        return None

    def _count_empty(self) -> None:
        self._empty += 1
        if self._empty > MAXIMUM_EMPTY_FRAGMENTS:
            raise ProtocolError(f"P-DATA: more than {MAXIMUM_EMPTY_FRAGMENTS} empty fragments in a row")

    def _begin(self, context_id: int) -> None:
        if context_id not in self._contexts:
            raise _breach(context_id, "no such accepted presentation context")
        self.context_id = context_id

    def _command_fragment(self, context_id: int, header: int, fragment: Buffer) -> bytes | None:
        if self.data_set_due:
            raise _breach(context_id, "a command fragment while a data set is due")
        if not self.amid_command:
            self._begin(context_id)
            self.amid_command = True
            self._command_length = 0
        elif context_id != self.context_id:
            raise _breach(context_id, f"a fragment amid a command on context {self.context_id}")
        self._command_length += len(fragment)
        if self._command_length > MAXIMUM_COMMAND_LENGTH:
            raise _breach(context_id, f"a command set of more than {MAXIMUM_COMMAND_LENGTH} bytes")
        self._command.append(bytes(fragment))
        if not header & LAST:
            return None
        self.amid_command = False
        fragments, self._command = self._command, []
        return b"".join(fragments)

    def _data_set_fragment(self, context_id: int, header: int, fragment: Buffer) -> bool:
        if not self.data_set_due:
            raise _breach(context_id, "a data set fragment without a command that announces one")
        if context_id != self.context_id:
            raise _breach(context_id, f"a fragment amid a data set on context {self.context_id}")
        if self.sink is not None and fragment and (self.room is None or self._fits(fragment)):
            self.sink.write(fragment)
        if not header & LAST:
            return False
        self.data_set_due = False
        return True

    def _fits(self, fragment: Buffer) -> bool:
        assert self.room is not None
        if self.room >= 0:
            self.room -= len(fragment)
        return self.room >= 0


def _breach(context_id: int, what: str) -> ProtocolError:
    return ProtocolError(f"P-DATA: PDV for context {context_id}: {what}", INVALID_PDU_PARAMETER_VALUE)


def largest_fragment(peer_maximum_length: int) -> int:
    """Bytes of a message that fit one P-DATA-TF of the peer's maximum length; even (PS3.8 Annex E), 0 is unlimited."""
    if not peer_maximum_length:
        return _UNLIMITED_FRAGMENT
    return max(_SMALLEST_FRAGMENT, (peer_maximum_length - _PDV_HEADER_LENGTH) & ~1)


class Fragmenter:
    """One outgoing message, cut into P-DATA requests of `largest` bytes each as they can be sent."""

    __slots__ = ("_context_id", "_largest", "_parts")

    def __init__(self, context_id: int, command: bytes, data_set: Source | None, largest: int) -> None:
        self._context_id = context_id
        self._largest = largest
        self._parts: list[tuple[int, Source]] = [(COMMAND, BytesSource(command))]
        if data_set is not None:
            self._parts.append((0, data_set))

    @property
    def done(self) -> bool:
        """The last fragment was handed out."""
        return not self._parts

    def next_fragment(self) -> P_DATA:
        """The next P-DATA request of a message that is not done."""
        header, source = self._parts[0]
        fragment = source.read(min(self._largest, source.remaining))
        if source.remaining == 0:
            header |= LAST
            del self._parts[0]
        return P_DATA([(self._context_id, header, fragment)])


def drop_sent(buffers: list[Buffer], sent: int) -> None:
    """Take `sent` bytes off the front of `buffers`."""
    count = 0
    for buffer in buffers:
        length = len(buffer)
        if sent < length:
            break
        sent -= length
        count += 1
    del buffers[:count]
    if sent:
        buffers[0] = memoryview(buffers[0])[sent:]
