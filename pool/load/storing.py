"""C-STORE as a speech: instances under UIDs of their own, in buffers that are not copied.

What differs between two C-STOREs of one instance is the message id and three UIDs, and all of that stands in the first
buffer: the command set, and the data set as far as the Series Instance UID. The rest are views of the instance with the
headers of their P-DATA-TFs between them, cut once for each maximum length.
"""

from __future__ import annotations

import random
from typing import Final

from pool.exchange import MESSAGE_ID, Form, request_form, response_form
from pool.load.instances import Template, templates
from pool.load.lanes import UID_LENGTH, Lane
from pool.load.plan import STORE, Plan
from pool.load.speech import Message
from pool.load.tally import Acknowledged
from ul.acse import AcceptedContext, Negotiated
from ul.dimse import LAST, Buffer, BytesSource, largest_fragment
from ul.services.storage import context_for, store_request
from ul.wire import p_data
from ul.wire.command import Command

_PLACEHOLDER: Final = "1" * UID_LENGTH
_NOT_LAST: Final = 0


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
        self.tail: list[Buffer] | None = None  # None: the head does not fit the first fragment, the session cuts it
        self._cut(form.behind, largest_fragment(peer_maximum_length))

    def _cut(self, behind_command: bytes, largest: int) -> None:
        room = largest - self.template.head_length
        if room < 0:
            return
        rest = self.template.rest
        first = min(largest, self.template.length)
        self._behind_command = behind_command + self._header(first, room >= len(rest))
        self.tail = [rest[:room]] if rest else []
        for begin in range(room, len(rest), largest):
            fragment = rest[begin : begin + largest]
            self.tail += (self._header(len(fragment), begin + largest >= len(rest)), fragment)

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
    foreseeable = True

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

    def source(self, message: Message) -> BytesSource:
        """Its data set."""
        assert isinstance(message, StoreMessage)
        template = message.storable.template
        head = template.head(message.instance_uid, message.study_uid, message.series_uid)
        return BytesSource(b"".join((head, template.rest)))

    def answered(self, message: Message, response: bytes | None) -> None:
        """Foresee the next responses."""
        assert isinstance(message, StoreMessage)
        form = response_form(response, message.message_id, message.instance_uid) if response is not None else None
        if form is not None:
            self._responses[message.context_id] = form
