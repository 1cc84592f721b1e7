"""Exchanges: a message as the buffers it leaves in, and its response as the very bytes in which it will come.

What a message and
its response consist of is the same each time but for the message id and the UIDs. So the command set is encoded once,
and what the peer answered to the first message, once the session has read it and found Success in it, is how it will
answer the next: the bytes are compared, and only what differs goes through the session, which is told of the message
then. It makes no difference to what is said or to what is found out, only to what it costs.
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


def request_form(context_id: int, command: Command, uid_length: int = 0) -> Form:
    """The form of `command`; with `uid_length`, its Affected SOP Instance UID of so many bytes is left open."""
    encoded = b"".join(p_data.encode([(context_id, COMMAND | LAST, encode_command(command))]))
    form = _form(encoded, _MESSAGE_ID_ELEMENT, command.MessageID, uid_length)
    assert form is not None, "our own encoding"
    return form


def response_form(data: bytes, message_id: int, uid: bytes = b"") -> Form | None:
    """The form of a response that came as `data`; None where it is not one P-DATA-TF that can be foreseen."""
    if len(data) < HEADER.size or HEADER.unpack_from(data) != (P_DATA_TF, len(data) - HEADER.size):
        return None
    length = len(uid) if _SOP_INSTANCE_ELEMENT + _LENGTH.pack(len(uid)) + uid in data and uid else 0
    return _form(data, _RESPONDED_TO_ELEMENT, message_id, length)


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
