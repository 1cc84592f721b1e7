"""Conversations about services: an SCU that asks with data sets, an SCP whose handlers answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conversation import EXPLICIT, IMPLICIT, Conversation, whole
from pydicom import Dataset

from ul import data_sets, evt
from ul.acse import Offer, SupportedContext
from ul.dimse import BytesSource
from ul.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    PresentationContextDefinition,
    SCP_SCU_RoleSelectionNegotiation,
)
from ul.session_events import ResponseReceived, Timeouts
from ul.sop_class import CTImageStorage
from ul.wire.command import Command

INSTANCE = "1.2.3.4"


def associated(
    *sop_classes: str,
    handlers: Sequence[tuple[Any, Callable[[evt.Event], Any]]] = (),
    retrieved: Sequence[str] = (),
    window: int = 1,
    transfer_syntax: str = IMPLICIT,
    cut: Any = whole,
    timeouts: Timeouts | None = None,
    maximum_length: int = 131072,
) -> Conversation:
    """An association with context 1, 3, ... for `sop_classes`, then those that are `retrieved`: stored by the SCP."""
    both = SupportedContext((IMPLICIT, EXPLICIT), True, True)
    offer = Offer(
        dict.fromkeys((*sop_classes, *retrieved), both),
        operations_window=(window, window),
        maximum_length=maximum_length,
    )
    conversation = Conversation(offer, cut=cut, timeouts=timeouts)
    conversation.acceptor.handlers = evt.Handlers(handlers)
    conversation.acceptor.free_running = True
    contexts = [
        PresentationContextDefinition(2 * index + 1, uid, [transfer_syntax])
        for index, uid in enumerate((*sop_classes, *retrieved))
    ]
    extended: list[Any] = [SCP_SCU_RoleSelectionNegotiation(uid, True, True) for uid in retrieved]
    if window != 1:
        extended.append(AsynchronousOperationsWindowNegotiation(window, window))
    return conversation.associate(contexts=contexts, extended=extended)


def data_set(**elements: Any) -> Dataset:
    found = Dataset()
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


def instance(uid: str = INSTANCE, sop_class: str = CTImageStorage, **elements: Any) -> Dataset:
    return data_set(SOPClassUID=sop_class, SOPInstanceUID=uid, PatientName="A^B", **elements)


def send(conversation: Conversation, command: Command, data: Dataset | None = None, context_id: int = 1) -> None:
    """Say it; nothing is carried yet."""
    session = conversation.requestor.session
    context = session.negotiated.contexts[context_id]
    source = None if data is None else BytesSource(data_sets.encode(data, context.transfer_syntax))
    session.send(context_id, command, conversation.requestor.time, source)


def ask(conversation: Conversation, command: Command, data: Dataset | None = None, context_id: int = 1) -> Conversation:
    send(conversation, command, data, context_id)
    return conversation.run()


def responses(conversation: Conversation) -> list[tuple[Command, Dataset | None]]:
    """What the SCU got: responses with their data sets, decoded."""
    return [(received.response, _decoded(received)) for received, _ in conversation.requestor.answers]


def _decoded(received: ResponseReceived) -> Dataset | None:
    if received.sink is None:
        return None
    sink: Any = received.sink
    return data_sets.decode(sink.open(), received.context.transfer_syntax)


def statuses(conversation: Conversation) -> list[int]:
    return [received.response.Status for received, _ in conversation.requestor.answers]
