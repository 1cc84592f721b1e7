"""C-STORE as a speech: instances under UIDs of their own, in buffers that are not copied.

What differs between two C-STOREs of one instance is the message id and three UIDs, and all of that stands in the first
buffer: the command set, and the data set as far as the Series Instance UID. The rest are views of the instance with the
headers of their P-DATA-TFs between them, cut once for each maximum length; an instance of very many fragments is left
to the session, which cuts it as it leaves.
"""

from __future__ import annotations

import random
from typing import Final

from pool.exchange import MESSAGE_ID, Form, request_form, response_form
from pool.load.contents import LARGEST_PIECE, Contents
from pool.load.instances import Template, templates
from pool.load.lanes import UID_LENGTH, Lane
from pool.load.plan import STORE, Plan
from pool.load.speech import Message
from pool.load.tally import Acknowledged
from ul.acse import AcceptedContext, Negotiated
from ul.dimse import LAST, Buffer, largest_fragment
from ul.services.storage import context_for, store_request
from ul.wire import p_data
from ul.wire.command import Command

_PLACEHOLDER: Final = "1" * UID_LENGTH
_NOT_LAST: Final = 0
_MOST_FRAGMENTS: Final = 4096  # of an instance that is cut beforehand: 64 MiB for a peer that takes 16 KiB at a time


class Storing:
    """What one process of a plan has to store."""

    def __init__(self, plan: Plan, process: int) -> None:
        assert plan.store is not None
        self._templates = templates(plan, plan.store)
        self._process = process
        self._order = list(range(len(self._templates)))
        random.Random(f"instances {plan.seed} {process}").shuffle(self._order)
        self.proposals = [(template.sop_class_uid, (template.transfer_syntax_uid,)) for template in self._templates]

    def speech(self, negotiated: Negotiated) -> StoreSpeech | None:
        """The instances that the peer accepted a presentation context for; None without any."""
        contexts = negotiated.contexts.values()
        storable = []
        for number in self._order:
            template = self._templates[number]
            context = context_for(contexts, template.sop_class_uid, template.transfer_syntax_uid)
            if context is not None:
                storable.append(Storable(number, template, context, negotiated.peer_maximum_length))
        return StoreSpeech(storable, self._process) if storable else None


class Storable:
    """An instance, cut for a presentation context and a maximum length."""

    __slots__ = ("_before", "_behind_command", "between", "context_id", "number", "tail", "template")

    def __init__(self, number: int, template: Template, context: AcceptedContext, peer_maximum_length: int) -> None:
        self.number = number
        self.template = template
        self.context_id = context.context_id
        form = request_form(self.context_id, store_request(1, template.sop_class_uid, _PLACEHOLDER), len(_PLACEHOLDER))
        self._before, self.between = form.before, form.between
        self._behind_command = b""
        self.tail: list[Buffer] | None = None  # None: the session cuts it
        self._cut(form.behind, largest_fragment(peer_maximum_length))

    def _cut(self, behind_command: bytes, largest: int) -> None:
        largest = min(largest, LARGEST_PIECE)
        length, room, rest = self.template.length, largest - self.template.head_length, self.template.rest
        if room < 0 or length > _MOST_FRAGMENTS * largest:  # the head does not fit the first, or they are too many
            return
        self._behind_command = behind_command + self._header(min(largest, length), room >= len(rest))
        self.tail = [rest.piece(0, room)] if rest else []
        header = self._header(largest, False)
        for begin in range(room, len(rest), largest):
            fragment = rest.piece(begin, largest)
            is_last = begin + largest >= len(rest)
            self.tail += (self._header(len(fragment), True) if is_last else header, fragment)

    def _header(self, length: int, is_last: bool) -> bytes:
        """Of a P-DATA-TF with one fragment of a data set."""
        flags = LAST if is_last else _NOT_LAST
        whole = b"".join(p_data.encode([(self.context_id, flags, bytes(length))]))
        return whole[: len(whole) - length]

    def buffers(self, message_id: int, instance_uid: bytes, study_uid: bytes, series_uid: bytes) -> list[Buffer]:
        """The whole message."""
        assert self.tail is not None
        before_instance, before_study, before_series, behind = self.template.pieces
        head = b"".join(
            (
                self._before,
                MESSAGE_ID.pack(message_id),
                self.between,
                instance_uid,
                self._behind_command,
                before_instance,
                instance_uid,
                before_study,
                study_uid,
                before_series,
                series_uid,
                behind,
            )
        )
        return [head, *self.tail]


class DataSetSource:
    """The data set of a message as it leaves: its head, then views of the rest."""

    __slots__ = ("_head", "_offset", "_rest", "remaining")

    def __init__(self, head: bytes, rest: Contents) -> None:
        self._head = head
        self._rest = rest
        self._offset = 0
        self.remaining = len(head) + len(rest)

    def read(self, size: int, /) -> Buffer:
        """So many bytes, or LARGEST_PIECE: only those of the piece that the head ends in are copied."""
        begin, behind_head = self._offset, max(0, self._offset - len(self._head))
        head = self._head[begin : begin + size]
        rest = self._rest.piece(behind_head, min(size, LARGEST_PIECE) - len(head))
        read = b"".join((head, rest)) if head else rest
        self._offset += len(read)
        self.remaining -= len(read)
        return read


class StoreMessage(Message):
    """One C-STORE."""

    __slots__ = ("instance_uid", "series_uid", "storable", "study_uid")

    storable: Storable
    instance_uid: bytes
    study_uid: bytes
    series_uid: bytes


class StoreSpeech:
    """C-STORE of instances in turn."""

    kind = STORE

    def __init__(self, storable: list[Storable], process: int) -> None:
        self._storable = storable
        self._process = process
        self._responses: dict[int, Form] = {}  # by presentation context

    def message(self, lane: Lane, message_id: int) -> Message:
        """The next message."""
        serial, uid = lane.next_instance()
        storable = self._storable[(serial + lane.number) % len(self._storable)]
        message = StoreMessage(self, storable.context_id, message_id, payload=storable.template.length)
        message.storable = storable
        message.instance_uid, message.study_uid, message.series_uid = uid, lane.study_uid, lane.series_uid
        message.acknowledges = Acknowledged(self._process, storable.number, lane.study, lane.series, serial)
        response = self._responses.get(storable.context_id)
        if response is not None and storable.tail is not None:
            message.buffers = storable.buffers(message_id, uid, lane.study_uid, lane.series_uid)
            message.awaited = response.message(message_id, uid)
        return message

    def command(self, message: Message) -> Command:
        """Its command."""
        assert isinstance(message, StoreMessage)
        return store_request(message.message_id, message.storable.template.sop_class_uid, message.instance_uid.decode())

    def source(self, message: Message) -> DataSetSource:
        """Its data set."""
        assert isinstance(message, StoreMessage)
        template = message.storable.template
        head = template.head(message.instance_uid, message.study_uid, message.series_uid)
        return DataSetSource(head, template.rest)

    def answered(self, message: Message, response: bytes | None) -> None:
        """Foresee the next responses."""
        assert isinstance(message, StoreMessage)
        form = response_form(response, message.message_id, message.instance_uid) if response is not None else None
        if form is not None:
            self._responses[message.context_id] = form
