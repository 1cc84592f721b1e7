"""Exchanges: what a message and its response look like as bytes, so that those that are known need not be read again.

A message and its response consist of the same each time but for the message id and the UIDs. So what the session has
read and understood once is the form of the next: the bytes are compared, and only what differs goes through the
session. It makes no difference to what is said or to what is found out, only to what it costs.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from ul.dimse import COMMAND, LAST
from ul.wire import p_data
from ul.wire.command import Command, encode_command
from ul.wire.pdu import HEADER, P_DATA_TF

MESSAGE_ID: Final = Struct("<H")
_MESSAGE_ID_ELEMENT: Final = bytes.fromhex("0000 1001 02000000")  # (0000,0110)
_RESPONDED_TO_ELEMENT: Final = bytes.fromhex("0000 2001 02000000")  # (0000,0120)
_SOP_INSTANCE_ELEMENT: Final = bytes.fromhex("0000 0010")  # (0000,1000), its length behind it
_LENGTH: Final = Struct("<L")
_HEADERS: Final = Struct(">BxLLBB")  # of a P-DATA-TF and its first PDV


class Form(NamedTuple):
    """An encoded P-DATA-TF with a command set: what stands before, between and behind its message id and its UID."""

    before: bytes
    between: bytes  # behind the message id; all the rest, where there is no UID
    has_uid: bool
    behind: bytes

    def message(self, message_id: int, uid: bytes = b"") -> bytes:
        """The P-DATA-TF with this message id and, where the form has room for one, this UID."""
        if not self.has_uid:
            return b"".join((self.before, MESSAGE_ID.pack(message_id), self.between))
        return b"".join((self.before, MESSAGE_ID.pack(message_id), self.between, uid, self.behind))


class Answer:
    """The response to every request of one form, both without a UID: nothing but the message id differs."""

    __slots__ = ("_ask_before", "_ask_behind", "_length", "_parts", "_say_before", "_say_behind")

    def __init__(self, request: Form, response: Form) -> None:
        self._ask_before, self._ask_behind = request.before, request.between
        self._say_before, self._say_behind = response.before, response.between
        self._parts = Struct(f"{len(request.before)}s{MESSAGE_ID.size}s{len(request.between)}s")
        self._length = self._parts.size

    def to(self, received: memoryview, length: int) -> bytes | None:
        """The response to the first `length` bytes; None where they are not such a request, whole and alone."""
        if length != self._length:
            return None
        before, message_id, behind = self._parts.unpack_from(received)
        if before == self._ask_before and behind == self._ask_behind:
            response: bytes = self._say_before + message_id + self._say_behind
            return response
        return None


def request_form(context_id: int, command: Command, uid_length: int = 0) -> Form:
    """The form of `command`; with `uid_length`, its Affected SOP Instance UID of so many bytes is left open."""
    return _form_of_ours(context_id, command, _MESSAGE_ID_ELEMENT, command.MessageID, uid_length)


def received_form(data: bytes, message_id: int) -> Form | None:
    """The form of a request that came as `data`; None where that is not one command set, alone in its P-DATA-TF."""
    whole = len(data) >= _HEADERS.size and _HEADERS.unpack_from(data)[:3] == (P_DATA_TF, len(data) - 6, len(data) - 10)
    return _form(data, _MESSAGE_ID_ELEMENT, message_id, 0) if whole and data[11] == COMMAND | LAST else None


def answer_form(context_id: int, response: Command) -> Form:
    """The form of a response of ours."""
    return _form_of_ours(context_id, response, _RESPONDED_TO_ELEMENT, response.MessageIDBeingRespondedTo, 0)


def response_form(data: bytes, message_id: int, uid: bytes = b"") -> Form | None:
    """The form of a response that came as `data`; None where it is not one P-DATA-TF that can be foreseen."""
    if len(data) < HEADER.size or HEADER.unpack_from(data) != (P_DATA_TF, len(data) - HEADER.size):
        return None
    length = len(uid) if _SOP_INSTANCE_ELEMENT + _LENGTH.pack(len(uid)) + uid in data and uid else 0
    return _form(data, _RESPONDED_TO_ELEMENT, message_id, length)


def _form_of_ours(context_id: int, command: Command, id_element: bytes, message_id: int, uid_length: int) -> Form:
    encoded = b"".join(p_data.encode([(context_id, COMMAND | LAST, encode_command(command))]))
    form = _form(encoded, id_element, message_id, uid_length)
    assert form is not None, "our own encoding"
    return form


def _form(data: bytes, id_element: bytes, message_id: int, uid_length: int) -> Form | None:
    element = id_element + MESSAGE_ID.pack(message_id)
    if data.count(element) != 1:
        return None
    id_ends = data.index(element) + len(element)
    before, behind = data[: id_ends - MESSAGE_ID.size], data[id_ends:]
    if not uid_length:
        return Form(before, behind, False, b"")
    uid_element = _SOP_INSTANCE_ELEMENT + _LENGTH.pack(uid_length)
    if behind.count(uid_element) != 1:
        return None
    uid_begins = behind.index(uid_element) + len(uid_element)
    return Form(before, behind[:uid_begins], True, behind[uid_begins + uid_length :])
